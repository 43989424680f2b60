/** Manifest and configuration of an image: read, and checked against what can be run. */
import { isMap } from "@thaw/installation/json-map";
import { createHash } from "node:crypto";
import { type ImageStart, SNAPSTART_LABEL } from "../model/image.ts";
import type { FoundImage, ImageLayer, LayerCompression } from "../ports/image-source.ts";
import { DIGEST } from "./reference.ts";
import { invalidImage, unsupportedMediaType } from "../model/image-problems.ts";

export const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;
export const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
] as const;
const CONFIG_TYPES = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
const LAYER_TYPES: Readonly<Record<string, LayerCompression>> = {
  "application/vnd.oci.image.layer.v1.tar": "none",
  "application/vnd.oci.image.layer.v1.tar+gzip": "gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd": "zstd",
  "application/vnd.docker.image.rootfs.diff.tar": "none",
  "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
};
/** Of a manifest or a configuration: registries refuse larger manifests, too. */
export const DOCUMENT_SIZE_BYTES_MAX = 4 * 1024 * 1024;
/** Docker's own limit. */
const LAYERS_MAX = 127;
const VARIABLES_MAX = 1000;
/** All texts of one list, each with its end; the kernel takes no more than 128 KiB of one text. */
const TEXTS_SIZE_BYTES_MAX = 65_536;
/** The kernel's own limit on a path. */
const DIRECTORY_SIZE_BYTES_MAX = 4095;
const ARCHITECTURE = "amd64";

type Json = Readonly<Record<string, unknown>>;

/** A blob as a document names it. */
export interface Descriptor {
  /** `sha256:…`. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

export interface Manifest {
  readonly digest: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export function sha256Of(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

export function parseObject(uri: string, what: string, content: Buffer): Json {
  try {
    const value: unknown = JSON.parse(content.toString("utf8"));
    if (isMap(value)) return value;
  } catch {
    // Its content is nobody's business: it may be any file.
  }
  throw invalidImage(uri, `its ${what} is not a JSON object`);
}

/** Throws an ApiError where a document has another size than its descriptor says. */
export function checkSize(uri: string, what: string, content: Buffer, sizeBytes: number): void {
  if (content.length !== sizeBytes) throw invalidImage(uri, `its ${what} has another size than it is said to have`);
}

/** Reads a descriptor. Throws an ApiError where it is none. */
export function readDescriptor(uri: string, what: string, value: unknown): Descriptor {
  const { digest, size, mediaType } = isMap(value) ? value : {};
  if (typeof digest !== "string" || !DIGEST.test(digest))
    throw invalidImage(uri, `the digest of its ${what} is not sha256: and 64 hexadecimal digits`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw invalidImage(uri, `the size of its ${what} is none`);
  return { digest, sizeBytes: size, mediaType: typeof mediaType === "string" ? mediaType : "" };
}

/** @param mediaType - As who handed it out says; the document's own wins. */
export function readManifest(uri: string, content: Buffer, mediaType: string): Manifest {
  const json = parseObject(uri, "manifest", content);
  const type = typeof json["mediaType"] === "string" ? json["mediaType"] : mediaType;
  if ((INDEX_TYPES as readonly string[]).includes(type) || json["manifests"] !== undefined)
    throw unsupportedMediaType(
      uri,
      "it is a list of images for several platforms: name one by its digest, or build with --provenance=false",
    );
  if (!(MANIFEST_TYPES as readonly string[]).includes(type))
    throw unsupportedMediaType(uri, `its manifest is ${shown(type)}`);
  const config = readDescriptor(uri, "configuration", json["config"]);
  if (!CONFIG_TYPES.includes(config.mediaType))
    throw unsupportedMediaType(uri, `its configuration is ${shown(config.mediaType)}`);
  const layers = Array.isArray(json["layers"]) ? (json["layers"] as readonly unknown[]) : [];
  if (layers.length === 0) throw invalidImage(uri, "it has no layers");
  if (layers.length > LAYERS_MAX) throw invalidImage(uri, `it has more than ${LAYERS_MAX} layers`);
  return {
    digest: sha256Of(content),
    config,
    layers: layers.map((layer, index) => readDescriptor(uri, `layer ${index + 1}`, layer)),
  };
}

/** Puts manifest and configuration together. Throws an ApiError where they don't fit each other, or this host. */
export function readImage(
  uri: string,
  manifest: Manifest,
  content: Buffer,
): Pick<FoundImage, "digest" | "layers" | "start" | "environment" | "allowsSnapStart"> {
  const json = parseObject(uri, "configuration", content);
  const { os, architecture } = json;
  if (os !== "linux" || architecture !== ARCHITECTURE)
    throw invalidImage(uri, `it is for ${shown(os)}/${shown(architecture)}, and this host runs linux/${ARCHITECTURE}`);
  const rootfs = isMap(json["rootfs"]) ? json["rootfs"] : {};
  const diffIds = Array.isArray(rootfs["diff_ids"]) ? (rootfs["diff_ids"] as readonly unknown[]) : [];
  if (diffIds.length !== manifest.layers.length)
    throw invalidImage(uri, "its configuration names another number of layers than its manifest");
  const config = isMap(json["config"]) ? json["config"] : {};
  const labels = isMap(config["Labels"]) ? config["Labels"] : {};
  return {
    digest: manifest.digest,
    layers: manifest.layers.map((layer, index) => readLayer(uri, layer, diffIds[index])),
    start: readStart(uri, config),
    environment: readEnvironment(uri, config["Env"]),
    allowsSnapStart: labels[SNAPSTART_LABEL] === "Allow",
  };
}

function readLayer(uri: string, { digest, sizeBytes, mediaType }: Descriptor, diffId: unknown): ImageLayer {
  const compression = Object.hasOwn(LAYER_TYPES, mediaType) ? LAYER_TYPES[mediaType] : undefined;
  if (compression === undefined) throw unsupportedMediaType(uri, `a layer is ${shown(mediaType)}`);
  if (typeof diffId !== "string" || !DIGEST.test(diffId))
    throw invalidImage(uri, "its configuration has a diff_id that is not sha256: and 64 hexadecimal digits");
  return { digest: bare(digest), sizeBytes, compression, diffId: bare(diffId) };
}

export function bare(digest: string): string {
  return digest.slice("sha256:".length);
}

function readStart(uri: string, config: Json): ImageStart {
  const directory = config["WorkingDir"];
  const isDirectory = directory === undefined || directory === null || typeof directory === "string";
  if (!isDirectory || (typeof directory === "string" && directory.includes("\0")))
    throw invalidImage(uri, "its WorkingDir is no path");
  if (typeof directory === "string" && Buffer.byteLength(directory) > DIRECTORY_SIZE_BYTES_MAX)
    throw invalidImage(uri, `its WorkingDir is longer than ${DIRECTORY_SIZE_BYTES_MAX} bytes`);
  return {
    entryPoint: readTexts(uri, "Entrypoint", config["Entrypoint"]),
    command: readTexts(uri, "Cmd", config["Cmd"]),
    workingDirectory: typeof directory === "string" && directory !== "" ? directory : null,
  };
}

function readTexts(uri: string, name: string, value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return null;
  const isList = Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes("\0"));
  if (!isList) throw invalidImage(uri, `its ${name} is no list of texts`);
  if (value.reduce((sum, each: string) => sum + Buffer.byteLength(each) + 1, 0) > TEXTS_SIZE_BYTES_MAX)
    throw invalidImage(uri, `its ${name} is longer than ${TEXTS_SIZE_BYTES_MAX} bytes`);
  return value.length === 0 ? null : (value as readonly string[]);
}

function readEnvironment(uri: string, value: unknown): Readonly<Record<string, string>> {
  const lines = readTexts(uri, "Env", value) ?? [];
  if (lines.length > VARIABLES_MAX) throw invalidImage(uri, `it has more than ${VARIABLES_MAX} variables`);
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      if (at <= 0) throw invalidImage(uri, "a line of its Env has no name");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** A text of the image, short enough for a sentence. */
function shown(value: unknown): string {
  return typeof value === "string" && value !== "" ? value.slice(0, 100) : "unknown";
}

/**
 * An image in a folder: the OCI image layout (`index.json`, `blobs/sha256/…`), or what `docker save` wrote before it
 * knew that layout (`manifest.json`, a configuration, and a folder for each layer).
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FoundImage } from "../ports/image-source.ts";
import { isMap } from "@thaw/installation/json-map";
import {
  bare,
  checkSize,
  type Descriptor,
  DOCUMENT_SIZE_BYTES_MAX,
  MANIFEST_TYPES,
  parseObject,
  readDescriptor,
  readImage,
  readManifest,
  sha256Of,
} from "./manifest.ts";
import { invalidImage, missingImage } from "../model/image-problems.ts";
import type { LocalReference } from "./reference.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
/** `docker save` writes the whole name there. */
const DOCKER_NAME = "io.containerd.image.name";
/** Names of files in old archives of Docker: `HEX.json`, `HEX/layer.tar`. */
export const DOCKER_FILE = /^[0-9a-f]{64}(\.json|\.tar|\/layer\.tar)$/;

export async function readLayout(reference: LocalReference, dir: string): Promise<FoundImage> {
  const index = await readSmall(join(dir, "index.json"), reference.uri, "index.json");
  if (index === null) return readDocker(reference, dir);
  const { uri } = reference;
  const blobPath = (digest: string): string => join(dir, "blobs/sha256", bare(digest));
  const document = async (descriptor: Descriptor, what: string): Promise<Buffer> => {
    const content = await readSmall(blobPath(descriptor.digest), uri, what);
    if (content === null) throw invalidImage(uri, `the blob of its ${what} is missing`);
    if (sha256Of(content) !== bare(descriptor.digest))
      throw invalidImage(uri, `the blob of its ${what} has another digest than its name`);
    checkSize(uri, what, content, descriptor.sizeBytes);
    return content;
  };
  const chosen = choose(reference, parseObject(uri, "index.json", index)["manifests"]);
  const manifest = readManifest(uri, await document(chosen, "manifest"), chosen.mediaType);
  const found = readImage(uri, manifest, await document(manifest.config, "configuration"));
  return {
    ...found,
    uri,
    resolvedUri: resolved(reference, found.digest),
    isNear: true,
    open: async (layer) => {
      const path = blobPath(`sha256:${layer.digest}`);
      if ((await sizeOf(path)) === null) throw invalidImage(uri, `the blob sha256:${layer.digest} is missing`);
      return createReadStream(path);
    },
  };
}

/** Finds the manifest of the tag. An index inside the index is left to `readManifest`, which says why it is refused. */
function choose({ uri, tag }: LocalReference, listed: unknown): Descriptor {
  const entries = Array.isArray(listed) ? listed.filter(isMap) : [];
  // Attestations of BuildKit are for no platform.
  const images = entries.filter(({ platform }) => !isMap(platform) || platform["os"] !== "unknown");
  const named = images.filter(({ annotations }) => tag === null || (isMap(annotations) && hasTag(annotations, tag)));
  const [first, second] = named;
  if (first === undefined) throw missingImage(uri);
  if (second !== undefined) throw invalidImage(uri, "there are several such images: name one by its tag");
  return readDescriptor(uri, "manifest", first);
}

function hasTag(annotations: Readonly<Record<string, unknown>>, tag: string): boolean {
  const name = annotations[DOCKER_NAME];
  return annotations[REF_NAME] === tag || (typeof name === "string" && (name === tag || name.endsWith(`:${tag}`)));
}

function resolved({ transport, path }: LocalReference, digest: string): string {
  return `${transport}:${path}@sha256:${digest}`;
}

/** Makes the manifest that a push of the archive would have made, so that it has a digest. */
async function readDocker(reference: LocalReference, dir: string): Promise<FoundImage> {
  const { uri, tag } = reference;
  const content = await readSmall(join(dir, "manifest.json"), uri, "manifest.json");
  if (content === null) throw invalidImage(uri, "it has neither an index.json nor a manifest.json");
  const listed = parseObject(
    uri,
    "manifest.json",
    Buffer.concat([Buffer.from('{"images":'), content, Buffer.from("}")]),
  );
  const images = (Array.isArray(listed["images"]) ? listed["images"] : []).filter(isMap).filter(({ RepoTags }) => {
    const tags: readonly unknown[] = Array.isArray(RepoTags) ? RepoTags : [];
    return tag === null || tags.some((each) => typeof each === "string" && each.endsWith(`:${tag}`));
  });
  const [image, second] = images;
  if (image === undefined) throw missingImage(uri);
  if (second !== undefined) throw invalidImage(uri, "there are several such images: name one by its tag");
  const { Config: configName, Layers: layerNames } = image;
  const names = [configName, ...(Array.isArray(layerNames) ? layerNames : [])];
  if (!names.every((name): name is string => typeof name === "string" && DOCKER_FILE.test(name)))
    throw invalidImage(uri, "its manifest.json names files that are none of its own");
  const [config = "", ...layers] = names;
  const configuration = await readSmall(join(dir, config), uri, "configuration");
  if (configuration === null) throw invalidImage(uri, "its configuration is missing");
  const described = await Promise.all(layers.map((name) => describe(uri, dir, name)));
  const paths = new Map(described.map(({ digest }, at) => [digest, join(dir, layers[at] ?? "")]));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPES[1],
      config: {
        mediaType: "application/vnd.docker.container.image.v1+json",
        size: configuration.length,
        digest: `sha256:${sha256Of(configuration)}`,
      },
      layers: described.map(({ digest, sizeBytes }) => ({
        mediaType: "application/vnd.docker.image.rootfs.diff.tar",
        size: sizeBytes,
        digest: `sha256:${digest}`,
      })),
    }),
  );
  const found = readImage(uri, readManifest(uri, manifest, ""), configuration);
  return {
    ...found,
    uri,
    resolvedUri: resolved(reference, found.digest),
    isNear: true,
    open: async ({ digest }) => createReadStream(paths.get(digest) ?? ""),
  };
}

async function describe(uri: string, dir: string, name: string): Promise<{ digest: string; sizeBytes: number }> {
  const path = join(dir, name);
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === null) throw invalidImage(uri, `its layer ${name} is missing`);
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return { digest: hash.digest("hex"), sizeBytes };
}

/** Null where there is no such file. */
async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true ? found.size : null;
}

/** Null where there is no such file. */
async function readSmall(path: string, uri: string, what: string): Promise<Buffer | null> {
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === null) return null;
  if (sizeBytes > DOCUMENT_SIZE_BYTES_MAX) throw invalidImage(uri, `its ${what} is too large`);
  const file = await open(path, "r");
  try {
    const content = Buffer.alloc(sizeBytes);
    const { bytesRead } = await file.read(content, 0, sizeBytes, 0);
    return content.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

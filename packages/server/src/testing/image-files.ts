/** Container images for tests: OCI layouts, archives of them, and what `docker save` wrote. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Header, type HeaderData } from "tar";

/** An entry of a layer: a file's content, or what a header says. */
export type LayerEntry = string | Buffer | (Partial<HeaderData> & { readonly content?: string | Buffer });
export type Layer = Readonly<Record<string, LayerEntry>> | Buffer;
export type Compression = "none" | "gzip" | "zstd";

export interface ImageParts {
  readonly layers: readonly Layer[];
  /** `config` of the image's configuration: Entrypoint, Cmd, Env, WorkingDir, Labels. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly compression?: Compression;
  readonly architecture?: string;
  readonly tag?: string;
  /** Changes manifest or configuration before they are written. */
  readonly spoil?: (documents: { manifest: Record<string, unknown>; config: Record<string, unknown> }) => void;
}

export interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly content: Buffer;
}

export interface BuiltImage {
  readonly manifest: Blob;
  readonly mediaType: string;
  readonly blobs: readonly Blob[];
}

interface LayoutIndex {
  readonly manifests: Array<{
    readonly digest: string;
    readonly size: number;
    readonly annotations?: Readonly<Record<string, string>>;
  }>;
}

const REF_NAME = "org.opencontainers.image.ref.name";
const OCI = "application/vnd.oci.image";
const LAYER_TYPES: Readonly<Record<Compression, string>> = {
  none: `${OCI}.layer.v1.tar`,
  gzip: `${OCI}.layer.v1.tar+gzip`,
  zstd: `${OCI}.layer.v1.tar+zstd`,
};

export function blobOf(content: Buffer): Blob {
  return { digest: `sha256:${createHash("sha256").update(content).digest("hex")}`, size: content.length, content };
}

/** A tar archive with entries in the order in which they are given; no parents are added. */
export function tarOf(entries: Readonly<Record<string, LayerEntry>>): Buffer {
  const parts: Buffer[] = [];
  for (const [path, entry] of Object.entries(entries)) {
    const { content = "", ...given } = typeof entry === "string" || Buffer.isBuffer(entry) ? { content: entry } : entry;
    const body = Buffer.from(content);
    const type = path.endsWith("/") ? "Directory" : "File";
    const mode = type === "Directory" || body.subarray(0, 2).toString() === "#!" ? 0o755 : 0o644;
    const header = new Header({ path, type, mode, size: body.length, mtime: new Date(1_000_000_000_000), ...given });
    const block = Buffer.alloc(512);
    header.encode(block);
    parts.push(block, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export function buildImage(parts: ImageParts): BuiltImage {
  const { compression = "gzip", architecture = "amd64" } = parts;
  const compress = { none: (tar: Buffer) => tar, gzip: gzipSync, zstd: zstdCompressSync }[compression];
  const tars = parts.layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer)));
  const layers = tars.map((tar) => blobOf(compress(tar)));
  const documents = {
    config: {
      os: "linux",
      architecture,
      config: parts.config ?? {},
      rootfs: { type: "layers", diff_ids: tars.map((tar) => blobOf(tar).digest) },
    } as Record<string, unknown>,
    manifest: {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPES[compression], digest, size })),
    } as Record<string, unknown>,
  };
  const seal = (): Blob => {
    const config = blobOf(Buffer.from(JSON.stringify(documents.config)));
    documents.manifest["config"] = {
      mediaType: `${OCI}.config.v1+json`,
      digest: config.digest,
      size: config.size,
      ...(documents.manifest["config"] as object | undefined),
    };
    return config;
  };
  parts.spoil?.(documents);
  const config = seal();
  const manifest = blobOf(Buffer.from(JSON.stringify(documents.manifest)));
  return {
    manifest,
    mediaType: (documents.manifest["mediaType"] as string | undefined) ?? `${OCI}.manifest.v1+json`,
    blobs: [manifest, config, ...layers],
  };
}

/** A folder of images that a server may read. */
export class ImageFolder {
  readonly path = mkdtempSync(join(tmpdir(), "thaw-images-"));

  constructor() {
    chmodSync(this.path, 0o755);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Writes an OCI layout, or adds a tag to the one that is there. Returns what was built. */
  write(name: string, parts: ImageParts): BuiltImage {
    const built = buildImage(parts);
    const dir = join(this.path, name);
    mkdirSync(join(dir, "blobs/sha256"), { recursive: true });
    for (const { digest, content } of built.blobs) writeFileSync(join(dir, "blobs/sha256", digest.slice(7)), content);
    const index = join(dir, "index.json");
    const listed: LayoutIndex = existsSync(index)
      ? (JSON.parse(readFileSync(index, "utf8")) as never)
      : { manifests: [] };
    const tag = parts.tag ?? "latest";
    const others = listed.manifests.filter(({ annotations }) => annotations?.[REF_NAME] !== tag);
    const { digest, size } = built.manifest;
    const own = { mediaType: built.mediaType, digest, size, annotations: { [REF_NAME]: tag } };
    writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(index, JSON.stringify({ schemaVersion: 2, manifests: [...others, own] }));
    return built;
  }

  /**
   * Puts a layer and settings over an image that is there, under a tag of its own, as a build from a Dockerfile does.
   */
  extend(name: string, from: string, tag: string, layer: Layer, settings: Readonly<Record<string, unknown>>): void {
    const dir = join(this.path, name);
    const read = (digest: string): unknown =>
      JSON.parse(readFileSync(join(dir, "blobs/sha256", digest.slice(7)), "utf8"));
    const place = (content: Buffer): { digest: string; size: number } => {
      const { digest, size } = blobOf(content);
      writeFileSync(join(dir, "blobs/sha256", digest.slice(7)), content);
      return { digest, size };
    };
    const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as LayoutIndex;
    const base = index.manifests.find(({ annotations }) => annotations?.[REF_NAME] === from);
    if (base === undefined) throw new Error(`${dir} has no ${from}`);
    const manifest = read(base.digest) as { config: { digest: string }; layers: unknown[] };
    const config = read(manifest.config.digest) as { config: object; rootfs: { diff_ids: string[] } };
    const tar = Buffer.isBuffer(layer) ? layer : tarOf(layer);
    config.config = { ...config.config, ...settings };
    config.rootfs.diff_ids.push(blobOf(tar).digest);
    manifest.layers.push({ mediaType: LAYER_TYPES.none, ...place(tar) });
    Object.assign(manifest.config, place(Buffer.from(JSON.stringify(config))));
    const annotations = { [REF_NAME]: tag };
    index.manifests.push({ ...base, ...place(Buffer.from(JSON.stringify(manifest))), annotations });
    writeFileSync(join(dir, "index.json"), JSON.stringify(index));
  }

  /** Packs a layout that was written. */
  pack(name: string, archive: string): void {
    execFileSync("tar", ["-cf", join(this.path, archive), "-C", join(this.path, name), "."]);
  }

  /** Writes the archive that Docker wrote before it knew OCI layouts. */
  writeDocker(archive: string, parts: ImageParts): void {
    const built = buildImage({ ...parts, compression: "none" });
    const [, config, ...layers] = built.blobs;
    const nameOf = ({ digest }: Blob): string => `${digest.slice(7)}/layer.tar`;
    const configName = `${(config as Blob).digest.slice(7)}.json`;
    const manifest = [{ Config: configName, RepoTags: [`hello:${parts.tag ?? "latest"}`], Layers: layers.map(nameOf) }];
    const files = Object.fromEntries(layers.map((layer) => [nameOf(layer), layer.content]));
    writeFileSync(
      join(this.path, archive),
      tarOf({ "manifest.json": JSON.stringify(manifest), [configName]: (config as Blob).content, ...files }),
    );
  }
}

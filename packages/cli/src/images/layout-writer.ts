/** Writes an image into a folder in the OCI image layout, blob by blob; the index, which shows it, comes last. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { CommandError } from "@thaw/installation/command-error";

const REF_NAME = "org.opencontainers.image.ref.name";
const OCI = "application/vnd.oci.image";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** `config` of an image's configuration. */
export interface ImageSettings {
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
  readonly Env: readonly string[];
}

interface Index {
  readonly manifests?: ReadonlyArray<{ readonly annotations?: Readonly<Record<string, string>> }>;
}

export class LayoutWriter {
  readonly #dir: string;
  readonly #scratch: string;
  readonly #layers: Descriptor[] = [];
  readonly #diffIds: string[] = [];

  private constructor(dir: string, scratch: string) {
    this.#dir = dir;
    this.#scratch = scratch;
  }

  /** Hands a writer to `use`. Images that are in the folder stay, and nothing half-written does. */
  static async open(dir: string, use: (writer: LayoutWriter) => Promise<void>): Promise<void> {
    await mkdir(join(dir, "blobs/sha256"), { recursive: true });
    const scratch = await mkdtemp(join(dir, ".partial-"));
    try {
      await use(new LayoutWriter(dir, scratch));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** Adds what `tar` makes with these arguments, compressed. Equal archives are equal layers. */
  async addLayer(tarArguments: readonly string[]): Promise<void> {
    const [content, blob] = [createHash("sha256"), createHash("sha256")];
    const path = join(this.#scratch, "layer");
    await tarInto(tarArguments, hashing(content), createGzip(), hashing(blob), createWriteStream(path));
    const hex = blob.digest("hex");
    const { size } = await stat(path);
    await rename(path, join(this.#dir, "blobs/sha256", hex));
    this.#layers.push({ mediaType: `${OCI}.layer.v1.tar+gzip`, digest: `sha256:${hex}`, size });
    this.#diffIds.push(`sha256:${content.digest("hex")}`);
  }

  /** Shows the image under its tag, in the place of the one that had it. Returns the digest of its manifest. */
  async finish(tag: string, config: ImageSettings): Promise<string> {
    const configuration = {
      architecture: "amd64",
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: this.#diffIds },
    };
    const mediaType = `${OCI}.manifest.v1+json`;
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: { mediaType: `${OCI}.config.v1+json`, ...(await this.#addDocument(configuration)) },
      layers: this.#layers,
    };
    const { digest, size } = await this.#addDocument(manifest);
    const { manifests = [] } = await readIndex(this.#dir);
    const others = manifests.filter(({ annotations }) => annotations?.[REF_NAME] !== tag);
    const own = { mediaType, digest, size, annotations: { [REF_NAME]: tag } };
    await this.#place("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    await this.#place("index.json", JSON.stringify({ schemaVersion: 2, manifests: [...others, own] }));
    return digest;
  }

  async #addDocument(document: unknown): Promise<{ readonly digest: string; readonly size: number }> {
    const content = Buffer.from(JSON.stringify(document));
    const hex = createHash("sha256").update(content).digest("hex");
    await this.#place(join("blobs/sha256", hex), content);
    return { digest: `sha256:${hex}`, size: content.length };
  }

  async #place(name: string, content: string | Buffer): Promise<void> {
    const path = join(this.#scratch, "document");
    await writeFile(path, content);
    await rename(path, join(this.#dir, name));
  }
}

/** Runs `tar` and lets what it writes run through the streams. */
async function tarInto(tarArguments: readonly string[], ...streams: readonly NodeJS.WritableStream[]): Promise<void> {
  const child = spawn("tar", ["--create", "--file=-", ...tarArguments], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const [problems, code] = await Promise.all([text(child.stderr), ended, pipeline([child.stdout, ...streams])]);
  if (code !== 0) throw new CommandError(`tar could not read the runtime (this needs root): ${problems.trim()}`);
}

function hashing(hash: ReturnType<typeof createHash>): Transform {
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      hash.update(part);
      done(null, part);
    },
  });
}

async function readIndex(dir: string): Promise<Index> {
  const path = join(dir, "index.json");
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(await readFile(path, "utf8")) as Index;
  } catch {
    throw new CommandError(`${path} is no index of an OCI image layout`);
  }
}

/** Packs a layout into a tar archive, which takes the place of `archive` when it is whole. */
export async function packLayout(dir: string, archive: string): Promise<void> {
  const partial = join(dir, "../archive");
  await tarInto(["--sort=name", "-C", dir, "."], createWriteStream(partial));
  await rename(partial, archive);
}

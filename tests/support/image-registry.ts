/** A real registry of container images (docker-registry, out of Debian's package), with a name and a password. */
import type { BuiltImage } from "@thaw/server/testing/image-files";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { REPOSITORY } from "../../tools/thaw-server.ts";

const PROGRAM = join(REPOSITORY, ".thaw/test-stores/docker-registry");
/** The password is "secret". */
const HTPASSWD = "user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
export const CREDENTIALS = Buffer.from("user:secret").toString("base64");

/** Null, or why there is none. */
export const noRegistry: string | null = existsSync(PROGRAM)
  ? null
  : "docker-registry is not there: it comes from Debian (tools/build-test-stores.sh)";

export class ImageRegistry {
  readonly url: string;
  readonly #dir: string;
  readonly #process: ChildProcess;

  private constructor(url: string, dir: string, child: ChildProcess) {
    this.url = url;
    this.#dir = dir;
    this.#process = child;
  }

  static async start(): Promise<ImageRegistry> {
    const dir = mkdtempSync(join(tmpdir(), "thaw-registry-"));
    writeFileSync(join(dir, "htpasswd"), HTPASSWD);
    const config = {
      version: 0.1,
      log: { level: "info", formatter: "json" },
      storage: { filesystem: { rootdirectory: join(dir, "data") } },
      auth: { htpasswd: { realm: "test", path: join(dir, "htpasswd") } },
      http: { addr: "127.0.0.1:0" },
    };
    // YAML is a superset of JSON.
    writeFileSync(join(dir, "config.yml"), JSON.stringify(config));
    const child = spawn(PROGRAM, ["serve", join(dir, "config.yml")], { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of createInterface({ input: child.stderr })) {
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr.resume();
      return new ImageRegistry(`http://${address}`, dir, child);
    }
    rmSync(dir, { recursive: true, force: true });
    throw new Error("docker-registry did not start");
  }

  /** As `docker push` does: the blobs, then the manifest under its tag. */
  async push(repository: string, tag: string, { manifest, mediaType, blobs }: BuiltImage): Promise<void> {
    for (const { digest, content } of blobs) {
      if (digest === manifest.digest) continue;
      const begun = await this.#send("POST", `/v2/${repository}/blobs/uploads/`, Buffer.alloc(0));
      const place = new URL(begun.headers.get("location") ?? "", this.url);
      place.searchParams.set("digest", digest);
      await this.#send("PUT", `${place.pathname}${place.search}`, content);
    }
    await this.#send("PUT", `/v2/${repository}/manifests/${tag}`, manifest.content, mediaType);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill();
    await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #send(method: string, path: string, body: Buffer, type = "application/octet-stream"): Promise<Response> {
    const answer = await fetch(new URL(path, this.url), {
      method,
      body: new Uint8Array(body),
      headers: { authorization: `Basic ${CREDENTIALS}`, "content-type": type, connection: "close" },
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}

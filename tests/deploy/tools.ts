/** The tools as people run them, in a home of their own, against one server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ThawServer } from "../../tools/thaw-server.ts";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { Relay } from "./relay.ts";

const TOOLS = join(REPOSITORY, ".thaw/deploy-tools");
const NODE_MODULES = join(TOOLS, "node/node_modules");
const PROGRAMS = {
  sam: join(TOOLS, "python/bin/sam"),
  aws: join(REPOSITORY, ".thaw/aws-clients/bin/aws"),
  cdk: join(NODE_MODULES, ".bin/cdk"),
  osls: join(NODE_MODULES, ".bin/osls"),
} as const;
type ToolName = keyof typeof PROGRAMS;

export interface ToolRun {
  readonly code: number | null;
  /** What it printed, on both channels. */
  readonly output: string;
  readonly ms: number;
  /** Of that time: in which it waited for an answer of the server. */
  readonly waitedMs: number;
  readonly calls: readonly string[];
}

export class Tools {
  readonly directory = mkdtempSync(join(tmpdir(), "thaw-deploy-"));
  readonly #server: ThawServer;
  readonly #relay: Relay;

  private constructor(server: ThawServer, relay: Relay) {
    this.#server = server;
    this.#relay = relay;
    mkdirSync(join(this.directory, "home"));
    symlinkSync(NODE_MODULES, join(this.directory, "node_modules"));
  }

  static async start(server: ThawServer): Promise<Tools> {
    return new Tools(server, await Relay.start(server.endpoint));
  }

  /** Writes files of a project. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.directory, name);
      mkdirSync(dirname(path), { recursive: true });
      // A file's age is in some tools' packages, which would differ.
      if (!existsSync(path) || readFileSync(path, "utf8") !== content) writeFileSync(path, content);
    }
  }

  /** Runs a tool to its end. What it did is printed, with its times, and all it said where it fails. */
  async run(name: ToolName, ...args: readonly string[]): Promise<ToolRun> {
    const begun = performance.now();
    const child = spawn(PROGRAMS[name], args, {
      cwd: this.directory,
      env: this.#env(),
      stdio: "pipe",
    });
    // Whoever asks whether to go on is told so.
    child.stdin.end("y\n");
    const printed: Buffer[] = [];
    for (const channel of [child.stdout, child.stderr]) channel.on("data", (bytes: Buffer) => printed.push(bytes));
    const [code] = (await once(child, "close")) as [number | null];
    const ms = Math.round(performance.now() - begun);
    const { calls, waitedMs } = this.#relay.take();
    const output = Buffer.concat(printed).toString();
    process.stdout.write(
      `${name} ${args.slice(0, 3).join(" ")}: ${ms} ms, ${waitedMs} of them for ${calls.length} answers\n`,
    );
    return { code, output, ms, waitedMs, calls };
  }

  async close(): Promise<void> {
    await this.#relay.close();
    rmSync(this.directory, { recursive: true });
  }

  /** Nothing of the person who runs the tests: no profile, no proxy, no telemetry. */
  #env(): Record<string, string> {
    const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: secret = "" } = this.#server.env;
    return {
      PATH: `${join(REPOSITORY, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
      HOME: join(this.directory, "home"),
      LANG: "C.UTF-8",
      AWS_ENDPOINT_URL: this.#relay.url,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_REGION: "us-east-1",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PAGER: "",
      SAM_CLI_TELEMETRY: "0",
      CDK_DISABLE_CLI_TELEMETRY: "true",
      CDK_DISABLE_VERSION_CHECK: "1",
      SLS_TELEMETRY_DISABLED: "1",
      SLS_NOTIFICATIONS_MODE: "off",
      NO_COLOR: "1",
      CI: "1",
    };
  }
}

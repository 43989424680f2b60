/** moto: AWS's API (KMS, SQS, SNS, EventBridge, S3), in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";

export class MotoServer {
  readonly endpoint: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, endpoint: string) {
    this.#child = child;
    this.endpoint = endpoint;
  }

  static async start(): Promise<MotoServer> {
    const child = spawn(join(REPOSITORY, ".thaw/aws-clients/bin/moto_server"), ["-H", "127.0.0.1", "-p", "0"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const { stderr } = child;
    for await (const line of createInterface({ input: stderr })) {
      const endpoint = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (endpoint === undefined) continue;
      stderr.resume();
      return new MotoServer(child, endpoint);
    }
    throw new Error("moto did not start");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }
}

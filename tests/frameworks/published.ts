/** Functions of tests/functions/frameworks, published with SnapStart: their invokes are served by clones. */
import { type CreateFunctionCommandInput, DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import type { CheckReport } from "@thaw/thaw-api/check-report";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { runThaw } from "../support/cli.ts";
import type { Files, Invoked, TestFunctions } from "../support/functions.ts";
import { httpApiEvent } from "../support/http-api-event.ts";
import { withThaw } from "../support/with-thaw.ts";

export interface Published {
  readonly name: string;
  readonly version: string;
  /** Invokes the version. */
  invoke(event: unknown): Promise<Invoked>;
  /** Ends the clones that there are: the next invoke is served by a new one. */
  endClones(): Promise<void>;
  /** What was sent by the last invoke. */
  lastEvent(): unknown;
  /** The warnings of `thaw check`; null where they may be a library's own affair. */
  readonly warnings: readonly string[] | null;
}

/**
 * A whole processor, and time: with a part of one a framework takes most of the 10 s that an Init may take, on a busy
 * machine, and `thaw check` runs one of them in its invoke.
 */
const FUNCTION = { MemorySize: 1769, Timeout: 60 } as const;

/** For the tests of a file; what a test made is deleted after it, so that its environments make room for the next. */
export class FrameworkFunctions {
  #functions: TestFunctions | undefined;
  readonly #made: Published[] = [];

  constructor() {
    withThaw((functions) => {
      this.#functions = functions;
    });
    afterEach(async () => {
      for (const published of this.#made.splice(0)) {
        await this.#check(published);
        await this.server.lambda.send(new DeleteFunctionCommand({ FunctionName: published.name }));
      }
    });
  }

  get server(): TestFunctions {
    if (this.#functions === undefined) throw new Error("the server is not there before the first test");
    return this.#functions;
  }

  /** @param warnings - Those that `thaw check` must have; null where any may come. */
  async publish(
    files: Files,
    options: Partial<CreateFunctionCommandInput>,
    warnings: readonly string[] | null = null,
  ): Promise<Published> {
    const name = await this.server.createSnapStart(files, { ...options, ...FUNCTION });
    const version = await this.server.publish(name);
    let last: unknown = {};
    const published: Published = {
      name,
      version,
      invoke: async (event) => {
        const invoked = await this.server.invoke(name, event, version);
        if (invoked.functionError === undefined) last = event;
        return invoked;
      },
      endClones: () => this.server.stopEnvironments(name),
      lastEvent: () => last,
      warnings,
    };
    this.#made.push(published);
    return published;
  }

  /** `thaw check` comes to an end with each framework, with an event that it knows. */
  async #check(published: Published): Promise<void> {
    const { name, version } = published;
    const dir = mkdtempSync(join(tmpdir(), "thaw-check-"));
    try {
      const event = join(dir, "event.json");
      writeFileSync(event, JSON.stringify(published.lastEvent()));
      const ran = await runThaw(["--json", "check", `${name}:${version}`, "--event", event], this.server.server.env);
      const report = JSON.parse(ran.stdout) as CheckReport;
      expect([ran.stderr, ran.code], ran.stdout).toEqual(["", report.verdict.status === "good" ? 0 : 1]);
      // Nothing that clones must not share.
      expect(report.findings.filter(({ severity }) => severity === "error")).toEqual([]);
      const warned = report.findings.filter(({ severity }) => severity === "warning").map(({ id }) => id);
      if (published.warnings !== null) expect(warned, ran.stdout).toEqual(published.warnings);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}

/** Sends a request as an HTTP API does. Throws where the function fails. */
export async function http(
  { invoke }: Pick<Published, "invoke">,
  method: string,
  path: string,
  sent?: unknown,
): Promise<{ status: number; body: unknown; cookies: readonly string[] }> {
  const { payload, functionError, log } = await invoke(httpApiEvent({ method, path, body: sent }));
  if (functionError !== undefined) throw new Error(`${functionError}: ${JSON.stringify(payload)}\n${log}`);
  const { statusCode, headers, cookies = [], body = "" } = payload as HttpAnswer;
  const one = headers?.["set-cookie"];
  const isJson = /^[[{]/.test(body);
  return {
    status: statusCode,
    body: isJson ? JSON.parse(body) : body,
    cookies: one === undefined ? cookies : [...cookies, one],
  };
}

/** The lines of a log that are JSON. */
export function jsonLines(log: string): unknown[] {
  return log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as unknown);
}

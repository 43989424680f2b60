/** Functions of tests/functions/frameworks, published with SnapStart: their invokes are served by clones. */
import { type CreateFunctionCommandInput, DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import { afterEach } from "vitest";
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
}

/** For the tests of a file; what a test made is deleted after it, so that its environments make room for the next. */
export class FrameworkFunctions {
  #functions: TestFunctions | undefined;
  readonly #made: string[] = [];

  constructor() {
    withThaw((functions) => {
      this.#functions = functions;
    });
    afterEach(async () => {
      for (const FunctionName of this.#made.splice(0))
        await this.server.lambda.send(new DeleteFunctionCommand({ FunctionName }));
    });
  }

  get server(): TestFunctions {
    if (this.#functions === undefined) throw new Error("the server is not there before the first test");
    return this.#functions;
  }

  async publish(files: Files, options: Partial<CreateFunctionCommandInput>): Promise<Published> {
    const name = await this.server.createSnapStart(files, { Timeout: 20, ...options });
    this.#made.push(name);
    const version = await this.server.publish(name);
    return {
      name,
      version,
      invoke: (event) => this.server.invoke(name, event, version),
      endClones: () => this.server.stopEnvironments(name),
    };
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

/** Function URLs over HTTP, on the fake engine, and a client that sends what a test wants. */
import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { OperationName } from "@thaw/aws-api";
import { systemRandom } from "@thaw/server/testing/base";
import { HttpHarness, REGION } from "./http-harness.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Wish {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer;
  /** Sent as it is; undefined: the URL's own. */
  readonly host?: string;
}

export class UrlHarness {
  readonly http: HttpHarness;
  readonly #release: () => void;
  #made = 0;

  private constructor(http: HttpHarness, release: () => void) {
    this.http = http;
    this.#release = release;
  }

  static async start(): Promise<UrlHarness> {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const http = await HttpHarness.start({
      random: systemRandom,
      functions: {
        echo: { handle: (_process, { payload }) => payload.toString() },
        "as-body": {
          handle: (_process, { payload }) => JSON.stringify({ statusCode: 200, body: payload.toString() }),
        },
        // The body of the request is what the function returns.
        result: { handle: (_process, { payload }) => (JSON.parse(payload.toString()) as { body: string }).body },
        // Answers when the harness ends.
        hanging: { handle: () => released.then(() => "null") },
        failing: {
          handle: () => {
            throw new Error("no");
          },
        },
      },
    });
    return new UrlHarness(http, resolve);
  }

  end(): Promise<void> {
    this.#release();
    return this.http[Symbol.asyncDispose]();
  }

  /** A function without a URL. */
  async makeFunction(code: string): Promise<string> {
    const name = `f${this.#made++}`;
    await this.http.control.create(name, code, { snapStart: false });
    return name;
  }

  /** A function with a URL that everybody may call, unless it asks for a signature. Gives the URL's id. */
  async makeUrl(
    code: string,
    config: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly name: string; readonly id: string }> {
    const name = await this.makeFunction(code);
    const input = { FunctionName: name, AuthType: "NONE", ...config };
    const { FunctionUrl } = (await this.call("CreateFunctionUrlConfig", input)) as { readonly FunctionUrl: string };
    await this.call("AddPermission", publicStatement(name));
    return { name, id: FunctionUrl };
  }

  call(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
    return this.http.control.call(operation, input) as Promise<unknown>;
  }

  hostOf(id: string): string {
    return `${id}.lambda-url.${REGION}.localhost:${this.http.port}`;
  }

  async send(id: string, { method = "GET", path = "/", headers = {}, body, host }: Wish = {}): Promise<Answer> {
    const sent = request({
      port: this.http.port,
      host: "127.0.0.1",
      method,
      path,
      headers: { host: host ?? this.hostOf(id), ...headers } as Record<string, string | string[]>,
      setHost: false,
    });
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const pieces = (await answer.toArray()) as Buffer[];
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(pieces).toString() };
  }
}

/** A statement that lets everybody call the URL of a function. */
export function publicStatement(FunctionName: string): Record<string, unknown> {
  return {
    FunctionName,
    StatementId: "public",
    Action: "lambda:InvokeFunctionUrl",
    Principal: "*",
    FunctionUrlAuthType: "NONE",
  };
}

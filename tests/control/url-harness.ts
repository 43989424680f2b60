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

type Functions = NonNullable<Parameters<typeof HttpHarness.start>[0]["functions"]>;

/** A policy that lets in what its token says, such as `GET/pets/*`; `deny` denies all. */
function policyOf(token: string, context: object = { number: 1, flag: true }): string {
  const Effect = token === "deny" ? "Deny" : "Allow";
  const Resource = token === "deny" ? "*" : `arn:aws:execute-api:*/${token}`;
  const Statement = [{ Effect, Action: "execute-api:Invoke", Resource }];
  return JSON.stringify({ principalId: "me", policyDocument: { Version: "2012-10-17", Statement }, context });
}

function headersIn(payload: { toString(): string }): Readonly<Record<string, string>> {
  return (JSON.parse(payload.toString()) as { readonly headers: Readonly<Record<string, string>> }).headers;
}

let asked = 0;
const AUTHORIZERS: Functions = {
  authorizer: {
    handle: (_process, { payload }) =>
      policyOf((JSON.parse(payload.toString()) as { authorizationToken: string }).authorizationToken),
  },
  counting: { handle: () => policyOf("*", { count: ++asked }) },
  "policy-of-who": { handle: (_process, { payload }) => policyOf(headersIn(payload)["x-who"] ?? "") },
  simple: {
    handle: (_process, { payload }) => {
      const who = headersIn(payload)["x-who"];
      return JSON.stringify({ isAuthorized: who === "yes", context: { who } });
    },
  },
  "event-of-simple": {
    handle: (_process, { payload }) => JSON.stringify({ isAuthorized: true, context: { event: payload.toString() } }),
  },
  "event-of-policy": { handle: (_process, { payload }) => policyOf("*", { event: payload.toString() }) },
  unauthorized: {
    handle: () => {
      throw new Error("Unauthorized");
    },
  },
  "request-authorizer": {
    handle: (_process, { payload }) => {
      const event = JSON.parse(payload.toString()) as Readonly<Record<string, unknown>>;
      // The whole would be more than a result may have.
      const short = Object.entries(event).map(([name, value]) => [
        name,
        typeof value === "object" ? typeof value : value,
      ]);
      return policyOf("*", { event: JSON.stringify(Object.fromEntries(short)) });
    },
  },
};

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
        ...AUTHORIZERS,
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

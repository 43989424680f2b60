/**
 * Replays a scenario that was recorded on AWS: requests go to Thaw over HTTP, and each answer is compared with the
 * recorded one. A placeholder (`<uuid:1>`) stands for the same value wherever it is, and another one for another.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LAMBDA, type OperationName } from "@thaw/aws-api";
import { expect } from "vitest";
import type { HttpHarness } from "./http-harness.ts";

export type Input = Readonly<Record<string, unknown>>;
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const ACCOUNT_ON_AWS = "111111111111";
const ACCOUNT = "000000000000";
const PLACEHOLDER = /<[a-zA-Z0-9_-]+(?::\d+)?>/g;
const ANYTHING = new Set(["date", "datetime", "<location>", "<code-size>"]);

/** An operation's input as its request, by the model. */
export function toRequest(operation: OperationName, input: Input): readonly [string, string, Buffer<ArrayBuffer>] {
  const { method, uri, input: shapeName } = LAMBDA.operations[operation];
  const [path = "", fixed = ""] = uri.split("?");
  const query = new URLSearchParams(fixed);
  const body: Record<string, unknown> = {};
  let target = path;
  for (const [name, value] of Object.entries(input)) {
    const { location, locationName = name } = LAMBDA.shapes[shapeName ?? ""]?.members?.[name] ?? {};
    if (location === "uri")
      target = target.replace(new RegExp(`\\{${locationName}\\+?\\}`), encodeURIComponent(String(value)));
    else if (location === "querystring")
      for (const one of Array.isArray(value) ? value : [value]) query.append(locationName, String(one));
    else body[name] = value;
  }
  const text = Object.keys(body).length === 0 ? "" : JSON.stringify(body);
  return [method, `${target}${query.size === 0 ? "" : `?${query.toString()}`}`, Buffer.from(text)];
}

export class Replay {
  readonly #harness: HttpHarness;
  readonly #responses: Readonly<Record<string, JsonObject>>;
  readonly #bound = new Map<string, string>([
    ["<partition>", "aws"],
    ["<region>", "us-east-1"],
  ]);

  /** `name`: of the file in tests/recorded. */
  constructor(harness: HttpHarness, name: string, parameter = "-") {
    this.#harness = harness;
    const path = join(import.meta.dirname, `../recorded/${name}.json`);
    const all = JSON.parse(readFileSync(path, "utf8")) as Record<string, { responses: Record<string, JsonObject> }>;
    const responses = all[parameter]?.responses;
    if (responses === undefined) throw new Error(`${name} has no ${parameter}`);
    this.#responses = responses;
  }

  /** Sends a request and compares the answer; without a step it is only carried out, and must succeed. */
  async send(operation: OperationName, input: Input, step?: string): Promise<Record<string, unknown>> {
    const response = await this.#harness.fetch(...toRequest(operation, input));
    const text = await response.text();
    const answer = (text === "" ? {} : JSON.parse(text)) as Record<string, Json>;
    if (step === undefined) expect([response.status < 300, text]).toEqual([true, text]);
    else this.#compare(step, response, answer);
    // What goes on behind the answer is done before the next request, as after a client's wait.
    await this.#harness.control.advance(0);
    return answer;
  }

  #compare(step: string, response: Response, answer: Record<string, Json>): void {
    const recorded = this.#responses[step];
    if (recorded === undefined) throw new Error(`nothing is recorded for ${step}`);
    const wrapped = recorded["CreateFunctionResponse"] as JsonObject | undefined;
    const { ResponseMetadata, Error: error, ...members } = wrapped ?? recorded;
    const status = (ResponseMetadata as { readonly HTTPStatusCode?: number } | undefined)?.HTTPStatusCode;
    if (status !== undefined) expect.soft([step, response.status]).toEqual([step, status]);
    const wanted = error as { readonly Code: string; readonly Message: string | null } | undefined;
    if (wanted === undefined) return expect.soft([step, ...this.#differences(members, answer, "")]).toEqual([step]);
    expect.soft([step, response.headers.get("x-amzn-errortype")]).toEqual([step, wanted.Code]);
    const { message, Message, ...others } = answer;
    const said = String(message ?? Message);
    expect.soft([step, ...this.#differences(String(wanted.Message), said, "message")]).toEqual([step]);
    // A client shows the members of errors that the model has; the others' bodies are not known.
    if (Object.keys(members).length > 0) {
      const { message: _m, Message: _M, ...rest } = members;
      expect.soft([step, ...this.#differences(rest, others, "")]).toEqual([step]);
    }
  }

  #differences(expected: Json, actual: Json | undefined, path: string): readonly string[] {
    if (typeof expected === "string") return this.#differentText(expected, actual, path);
    if (expected === null || typeof expected !== "object")
      return expected === actual ? [] : [`${path}: ${String(expected)}, not ${JSON.stringify(actual)}`];
    if (typeof actual !== "object" || actual === null) return [`${path}: an object, not ${JSON.stringify(actual)}`];
    const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...names].flatMap((name) => {
      const [one, other] = [(expected as JsonObject)[name], (actual as JsonObject)[name]];
      if (one === undefined) return [`${path}.${name}: not wanted, is ${JSON.stringify(other)}`];
      return this.#differences(one, other, `${path}.${name}`);
    });
  }

  #differentText(expected: string, actual: Json | undefined, path: string): readonly string[] {
    if (actual === undefined) return [`${path}: missing`];
    const text = String(actual);
    if (ANYTHING.has(expected)) return [];
    const names: string[] = [];
    const pattern = expected
      .replaceAll(ACCOUNT_ON_AWS, ACCOUNT)
      .split(new RegExp(`(${PLACEHOLDER.source})`))
      .map((part, index) => {
        const bound = this.#bound.get(part);
        if (index % 2 === 0 || bound !== undefined) return (bound ?? part).replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
        names.push(part);
        return "(.+?)";
      })
      .join("");
    const match = new RegExp(`^${pattern}$`, "s").exec(text);
    if (match === null) return [`${path}: ${expected}, not ${text}`];
    for (const [index, name] of names.entries()) {
      const value = match[index + 1] ?? "";
      // Other placeholders may stand for what happens to be the same.
      if (name.startsWith("<uuid:") && [...this.#bound.values()].includes(value))
        return [`${path}: ${name} is ${value}, which another placeholder is`];
      if (/:\d+>$/.test(name) || name.startsWith("<csc")) this.#bound.set(name, value);
    }
    return [];
  }
}

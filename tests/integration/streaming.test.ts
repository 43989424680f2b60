/** Responses that the client reads while the function sends them: InvokeWithResponseStream, fresh and from a clone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InvokeWithResponseStreamCommand, type InvokeWithResponseStreamResponseEvent } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const PROGRAM = { bootstrap: readFileSync(join(REPOSITORY, "tests/functions/plain/streamer.py"), "utf8") };
const PROVIDED = { Runtime: "provided.al2023", Handler: "x", MemorySize: 256, Timeout: 120 } as const;
const MIB = 1024 * 1024;

interface Plan {
  readonly pieces?: number;
  readonly size?: number;
  readonly end?: "well" | "error" | "exit" | "hang" | "refuse";
}

let functions: TestFunctions;
let name: string;
withThaw(async (made) => {
  functions = made;
  name = await functions.createSnapStart(PROGRAM, PROVIDED);
  await functions.publish(name);
});

async function open(
  { pieces = 2, size = 3, end }: Plan,
  qualifier: string,
  more: { readonly LogType?: "Tail"; readonly FunctionName?: string } = {},
) {
  const answer = await functions.lambda.send(
    new InvokeWithResponseStreamCommand({
      FunctionName: name,
      Qualifier: qualifier,
      Payload: Buffer.from(JSON.stringify(end === undefined ? {} : { pieces, size, end })),
      ...more,
    }),
  );
  if (answer.EventStream === undefined) throw new Error("no stream");
  return { ...answer, events: answer.EventStream[Symbol.asyncIterator]() };
}

async function readAll(events: AsyncIterator<InvokeWithResponseStreamResponseEvent>) {
  const pieces: Buffer[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error("no InvokeComplete");
    const event = value as InvokeWithResponseStreamResponseEvent;
    if (event.InvokeComplete !== undefined) return { body: Buffer.concat(pieces), complete: event.InvokeComplete };
    pieces.push(Buffer.from(event.PayloadChunk?.Payload ?? []));
  }
}

describe.each(["$LATEST", "1"])("a streamed response (%s)", (qualifier) => {
  it("comes whole, and ends well", async ({ expect }) => {
    const answer = await open({ end: "well" }, qualifier, { LogType: "Tail" });
    expect([answer.StatusCode, answer.ExecutedVersion]).toEqual([200, qualifier]);
    const { body, complete } = await readAll(answer.events);
    expect([body.toString(), complete.ErrorCode]).toEqual(["aaabbb", undefined]);
    expect(Buffer.from(complete.LogResult ?? "", "base64").toString()).toContain("REPORT RequestId");
  });

  it("is read before it has ended; a timeout is its end", async ({ expect }) => {
    const brief = await functions.createSnapStart(PROGRAM, { ...PROVIDED, Timeout: 8 });
    if (qualifier !== "$LATEST") await functions.publish(brief);
    const { body, complete } = await readAll((await open({ end: "hang" }, qualifier, { FunctionName: brief })).events);
    expect([body.toString(), complete.ErrorCode]).toEqual(["aaabbb", "Sandbox.Timeout"]);
    expect(complete.ErrorDetails).toContain("Task timed out after 8.00 seconds");
  });

  it("may be larger than a response that is taken whole", async ({ expect }) => {
    const { body, complete } = await readAll((await open({ pieces: 26, size: MIB, end: "well" }, qualifier)).events);
    expect([body.length, complete.ErrorCode]).toEqual([26 * MIB, undefined]);
    for (let piece = 0; piece < 26; piece++)
      expect(body.subarray(piece * MIB, (piece + 1) * MIB).equals(Buffer.alloc(MIB, 97 + piece))).toBe(true);
  });

  it("ends with what went wrong after its beginning, or before", async ({ expect }) => {
    const late = await readAll((await open({ end: "error" }, qualifier)).events);
    expect(late.body.toString()).toBe("aaabbb");
    expect(late.complete.ErrorCode).toBe("Function.Late");
    expect(JSON.parse(late.complete.ErrorDetails ?? "")).toEqual({ errorMessage: "late", errorType: "LateError" });
    const exited = await readAll((await open({ end: "exit" }, qualifier)).events);
    expect([exited.body.toString(), exited.complete.ErrorCode]).toEqual(["aaabbb", "Runtime.TruncatedResponse"]);
    const refused = await readAll((await open({ end: "refuse" }, qualifier)).events);
    expect([refused.body.length, refused.complete.ErrorCode]).toEqual([0, "Unhandled"]);
  });

  it("of a function that does not stream comes as one", async ({ expect }) => {
    const { body, complete } = await readAll((await open({}, qualifier)).events);
    expect([JSON.parse(body.toString()), complete.ErrorCode]).toEqual([{ streams: expect.any(Number) }, undefined]);
  });

  it("that is wanted whole is whole, or the error", async ({ expect }) => {
    const whole = await functions.invoke(name, { pieces: 1, size: 1, end: "error" }, qualifier);
    expect([whole.functionError, whole.payload]).toEqual([
      "Unhandled",
      { errorMessage: "late", errorType: "LateError" },
    ]);
  });

  it("whose client does not read holds up the function's stream and nothing else", async ({ expect }) => {
    const slow = await functions.createSnapStart(PROGRAM, PROVIDED);
    if (qualifier !== "$LATEST") await functions.publish(slow);
    const { events } = await open({ pieces: 60, size: MIB, end: "well" }, qualifier, { FunctionName: slow });
    const first = (await events.next()).value as InvokeWithResponseStreamResponseEvent;
    await functions.eventually("it is held up", async () =>
      (await functions.logs(slow)).some(({ message }) => message === "held up"),
    );
    const { body, complete } = await readAll(events);
    expect([body.length + (first.PayloadChunk?.Payload?.length ?? 0), complete.ErrorCode]).toEqual([
      60 * MIB,
      undefined,
    ]);
  });

  it("whose client goes away is sent to its end, and its environment goes on", async ({ expect }) => {
    const left = await functions.createSnapStart(PROGRAM, PROVIDED);
    if (qualifier !== "$LATEST") await functions.publish(left);
    const leaving = new AbortController();
    const answer = await functions.lambda.send(
      new InvokeWithResponseStreamCommand({
        FunctionName: left,
        Qualifier: qualifier,
        Payload: Buffer.from(JSON.stringify({ pieces: 60, size: MIB, end: "well" })),
      }),
      { abortSignal: leaving.signal },
    );
    for await (const _ of answer.EventStream ?? []) break;
    leaving.abort();
    await functions.eventually("its environment is idle", async () =>
      (await functions.environments(left)).some(({ state }) => state === "idle"),
    );
    expect((await functions.invoke(left, {}, qualifier)).payload).toEqual({ streams: 1 });
  });
});

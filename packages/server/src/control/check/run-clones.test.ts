import { BodyPipe } from "../../base/body.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import { expect, it } from "vitest";
import { COMPARED_SIZE_MAX, runClone } from "./run-clones.ts";

const VERSION = { functionArn: "arn:aws:lambda:us-east-1:000000000000:function:f", logGroup: "/aws/lambda/f" };

/** A function that answers this, and has printed these lines. */
function runOf(answer: string, lines: readonly string[]) {
  const observed = { summary: { environmentId: "e", logStream: "s" }, sandbox: { sent: null } };
  const services = {
    clock: { monotonicMs: () => 0, nowMs: () => 0, after: () => () => undefined },
    random: { uuid: () => "r" },
    logs: {
      async *read() {
        yield lines.map((message) => ({ message, origin: "function" }));
      },
    },
    worker: {
      invoke: async () => {
        const payload = new BodyPipe();
        payload.push(Buffer.from(answer));
        payload.end();
        return { kind: "response", payload, functionError: null, environmentId: "e" };
      },
      observe: async () => observed,
      stopEnvironments: async () => 0,
    },
  } as unknown as Parameters<typeof runClone>[0];
  const run = { runKey: "k", payload: Buffer.from("{}"), invokes: 1 };
  return runClone(services, VERSION as unknown as RunnableVersion, run);
}

it("an answer and a log are compared up to a size, and what is longer is known to be", async () => {
  const short = await runOf("{}", ["a", "b"]);
  expect(short).toMatchObject({ answers: [{ payload: "{}", log: ["a", "b"] }], isCut: false });
  const long = await runOf("x".repeat(COMPARED_SIZE_MAX + 1), []);
  expect(long.isCut).toBe(true);
  expect(long.answers[0]?.payload).toHaveLength(COMPARED_SIZE_MAX);
  const line = "l".repeat(1024);
  const talkative = await runOf(
    "{}",
    Array.from({ length: 1500 }, () => line),
  );
  expect(talkative.isCut).toBe(true);
  expect(talkative.answers[0]?.log).toHaveLength(1024);
});

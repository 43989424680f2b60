import { expect, it } from "vitest";
import { type BatchRun, runBatch } from "./run-batch.ts";

function runOf(hasRun: boolean): Promise<BatchRun> {
  const outcome = { kind: "restore-timeout", message: "too late", hasRun } as const;
  const event = { requestId: "r", payload: Buffer.from("{}"), traceId: null };
  return runBatch(async () => ({ executedVersion: "1", outcome }), { functionName: "f", qualifier: null }, event);
}

it("a batch whose snapshot did not come in time is tried again, and has not failed", async () => {
  expect(await runOf(false)).toEqual({ kind: "again", why: "too late", isThrottled: false });
  expect(await runOf(true)).toMatchObject({ kind: "failed", functionError: "Unhandled" });
});

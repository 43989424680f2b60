/** The metadata endpoint, in environments on demand, before a snapshot, and in clones. */
import { expect, test } from "vitest";
import type { FakeProcess } from "@thaw/server/testing/fakes";
import { json, WorkerHarness } from "./harness.ts";

type FakeResponse = Awaited<ReturnType<FakeProcess["call"]>>;

const PATH = "/2026-01-15/metadata/execution-environment";

function ask(process: FakeProcess, authorization?: string, method = "GET"): Promise<FakeResponse> {
  return process.call(method, PATH, "", authorization === undefined ? {} : { authorization });
}

function askWithToken(process: FakeProcess): Promise<FakeResponse> {
  expect(process.env["AWS_LAMBDA_METADATA_API"]).toBe("127.0.0.1:9001");
  return ask(process, `Bearer ${process.env["AWS_LAMBDA_METADATA_TOKEN"]}`);
}

test("the metadata endpoint tells the zone to whoever has the environment's token", async () => {
  const harness = new WorkerHarness({
    handle: async (process) => {
      const token = process.env["AWS_LAMBDA_METADATA_TOKEN"];
      const refused = [await ask(process), await ask(process, token), await ask(process, "Bearer other")];
      const posted = await ask(process, `Bearer ${token}`, "POST");
      const { status, body, headers } = await askWithToken(process);
      return JSON.stringify({
        refused: refused.map((each) => each.status),
        posted: posted.status,
        status,
        body,
        headers,
        token,
      });
    },
  });
  const first = json(await harness.invokeOk());
  expect(first).toMatchObject({
    refused: [401, 401, 401],
    posted: 405,
    status: 200,
    body: '{"AvailabilityZoneID":"use1-az1"}',
    headers: { "Content-Type": "application/json", "Cache-Control": "private, max-age=43200, immutable" },
  });
  const other = json(await harness.invokeOk({ runKey: "other" }));
  expect(other).toMatchObject({ status: 200 });
  expect((other as { token: string }).token).not.toBe((first as { token: string }).token);
  await harness.end();
});

test("what Init was told of the zone is old soon, and a clone asks again with the token of its snapshot", async () => {
  const answers: FakeResponse[] = [];
  const harness = new WorkerHarness({
    init: async (process) => void answers.push(await askWithToken(process)),
    handle: async (process) => {
      answers.push(await askWithToken(process));
      return "null";
    },
  });
  const { restorable } = await harness.publish();
  await harness.invokeOk(restorable);
  expect(answers.map(({ status, headers }) => [status, headers["Cache-Control"]])).toEqual([
    [200, "private, max-age=1"],
    [200, "private, max-age=43200, immutable"],
  ]);
  await harness.end();
});

import { expect, it } from "vitest";
import { BodyPipe } from "../../base/body.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { EnvironmentApi } from "./api.ts";

const BURST = 4000;

function apiWith(clock: FakeClock): { readonly api: EnvironmentApi; readonly answered: number[]; readonly call: Call } {
  const answered: number[] = [];
  const api = new EnvironmentApi({
    isSnapStart: false,
    clock,
    token: null,
    metadataToken: "m",
    region: "us-east-1",
    isBeforeSnapshot: false,
    facts: { functionName: "f", functionVersion: "1", handler: "h", accountId: "0" },
    onAdded: () => undefined,
    onSubscribed: () => undefined,
    credentials: () => {
      throw new Error("nobody asks for credentials");
    },
    emit: () => undefined,
  });
  const call: Call = (path) => ({
    id: 1,
    method: "GET",
    path,
    headers: new Map(),
    body: new BodyPipe({ pause: () => undefined, resume: () => undefined, skip: () => undefined }),
    trailers: new Map(),
    isAbandoned: false,
    respond: (status) => void answered.push(status),
    abort: () => undefined,
  });
  return { api, answered, call };
}

type Call = (path: string) => RuntimeCall;

it.each([
  ["/2018-06-01/ping", 200],
  ["/nothing/here", 404],
  ["/2018-06-01/runtime/init/error", 405],
])("%s: beyond the budget the answers come in their time", async (path, status) => {
  const clock = new FakeClock();
  const { api, answered, call } = apiWith(clock);
  for (let count = 0; count < BURST + 100; count++) api.handleCall(call(path));
  expect(answered).toHaveLength(BURST);
  await clock.advance(25);
  expect(answered).toHaveLength(BURST + 50);
  await clock.advance(25);
  expect(answered).toEqual(Array.from({ length: BURST + 100 }, () => status));
  await clock.advance(10_000);
  for (let count = 0; count < BURST; count++) api.handleCall(call(path));
  expect(answered).toHaveLength(2 * BURST + 100);
});

it("a poll beyond the budget is forgotten when its client hangs up, as any other", async () => {
  const clock = new FakeClock();
  const { api, answered, call } = apiWith(clock);
  for (let count = 0; count < BURST; count++) api.handleCall(call("/2018-06-01/ping"));
  const poll = call("/2018-06-01/runtime/invocation/next");
  api.handleCall(poll);
  api.handleAbandoned(poll);
  api.session.deliver({
    requestId: "r",
    deadlineMs: 1,
    invokedFunctionArn: "arn",
    traceId: null,
    clientContext: null,
    payload: Buffer.from("{}"),
    isStreamed: false,
  });
  await clock.advance(1000);
  expect(answered).toHaveLength(BURST);
});

it.each(["/2018-06-01/ping", "/nothing/here"])(
  "%s: nothing is kept of late answers whose clients hang up",
  async (path) => {
    const clock = new FakeClock();
    const { api, answered, call } = apiWith(clock);
    const calls = Array.from({ length: BURST + 1000 }, () => call(path));
    for (const each of calls) api.handleCall(each);
    expect(clock.timerCount).toBe(1000);
    for (const each of calls.slice(BURST)) api.handleAbandoned(each);
    expect(clock.timerCount).toBe(0);
    await clock.advance(10_000);
    expect(answered).toHaveLength(BURST);
  },
);

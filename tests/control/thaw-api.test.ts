/** Thaw's own API over HTTP: lists in pages, filters, and refusals by name. */
import { describe, expect, test } from "vitest";
import type { ProvisionedSummary } from "@thaw/thaw-api";
import { HttpHarness } from "./http-harness.ts";

const FUNCTIONS = { a: { handle: () => "1" }, b: { handle: () => "2" } };
const KEYS = [
  { arn: null, state: "Enabled" },
  { arn: "arn:aws:kms:us-east-1:000000000000:key/b", state: "Disabled" },
  { arn: "arn:aws:kms:us-east-1:000000000000:key/a", state: "Enabled" },
] as const;
const keys = { list: () => KEYS, create: () => undefined, setState: () => undefined, remove: () => undefined };

/** Starts with two functions, three versions and an alias of the first, and environments of three versions. */
async function start(): Promise<HttpHarness> {
  const harness = await HttpHarness.start({ functions: FUNCTIONS, services: { keys } });
  const { control } = harness;
  await control.create("one", "a");
  await control.create("two", "b");
  await control.publish("one");
  for (const [memory, version] of [
    [256, "2"],
    [384, "3"],
  ] as const) {
    await control.call("UpdateFunctionConfiguration", { FunctionName: "one", MemorySize: memory });
    await control.advance(0);
    expect(await control.publish("one")).toBe(version);
  }
  await control.publish("two");
  await control.call("CreateAlias", { FunctionName: "one", Name: "live", FunctionVersion: "2" });
  for (const [name, version] of [
    ["one", "1"],
    ["one", "2"],
    ["two", "1"],
  ] as const)
    await control.invoke(name, version);
  await control.advance(0);
  return harness;
}

describe("lists", () => {
  test("come whole without a page, and in pages whose sum is the whole", async () => {
    await using harness = await start();
    const { client } = harness;
    const whole = (await client.call("listSnapshots", {})).snapshots;
    expect(whole.map((each) => `${each.functionName}:${each.version}`).sort()).toEqual([
      "one:1",
      "one:2",
      "one:3",
      "two:1",
    ]);
    expect(await client.call("listSnapshots", {})).not.toHaveProperty("next");
    const first = await client.call("listSnapshots", { query: { limit: 3 } });
    expect(first.snapshots).toHaveLength(3);
    const { next } = first;
    const second = await client.call("listSnapshots", { query: { limit: 3, next } });
    expect(second.snapshots).toHaveLength(1);
    expect(second).not.toHaveProperty("next");
    const paged = [...first.snapshots, ...second.snapshots].map((each) => `${each.functionName}:${each.version}`);
    expect(paged).toEqual(["one:1", "one:2", "one:3", "two:1"]);
    expect((await client.call("listSnapshots", { query: { next } })).snapshots).toHaveLength(1);
    expect(await client.call("listSnapshots", { query: { limit: 4 } })).not.toHaveProperty("next");
  });

  test("a page goes on behind what has gone meanwhile", async () => {
    await using harness = await start();
    const { client } = harness;
    const all = (await client.call("listEnvironments", {})).environments.map((each) => each.environmentId).sort();
    const { environments, next } = await client.call("listEnvironments", { query: { limit: 1 } });
    expect(environments.map((each) => each.environmentId)).toEqual(all.slice(0, 1));
    const gone = environments[0];
    await client.call("stopEnvironments", {
      body: { function: gone?.functionName ?? "", version: gone?.version ?? "" },
    });
    await harness.control.advance(0);
    const rest = await client.call("listEnvironments", { query: { limit: 1000, next } });
    const left = (await client.call("listEnvironments", {})).environments.map((each) => each.environmentId);
    expect(left).not.toContain(gone?.environmentId);
    expect(rest.environments.map((each) => each.environmentId)).toEqual(all.filter((id) => left.includes(id)));
  });

  test("filters by function, version, state and id, all of them at once", async () => {
    await using harness = await start();
    const { client } = harness;
    const names = async (query: { function?: string; version?: string; state?: string; id?: string }) =>
      (await client.call("listEnvironments", { query })).environments
        .filter((each) => each.invokeCount > 0)
        .map((each) => `${each.functionName}:${each.version}`)
        .sort();
    expect(await names({})).toEqual(["one:1", "one:2", "two:1"]);
    expect(await names({ function: "one" })).toEqual(["one:1", "one:2"]);
    expect(await names({ function: "one", version: "2" })).toEqual(["one:2"]);
    expect(await names({ version: "1" })).toEqual(["one:1", "two:1"]);
    const [some] = (await client.call("listEnvironments", { query: { function: "two" } })).environments;
    expect(await names({ id: some?.environmentId ?? "" })).toEqual(["two:1"]);
    expect(await names({ state: some?.state ?? "" })).toContain("two:1");
    expect(await names({ state: "on the moon" })).toEqual([]);
    // As before there were filters that could be empty.
    expect((await harness.thaw("GET", "environments?function=&version=")).text).toContain('"one"');
    const ready = await client.call("listSnapshots", { query: { state: "ready", version: "1" } });
    expect(ready.snapshots.map((each) => each.functionName)).toEqual(["one", "two"]);
    const snapshotId = ready.snapshots[0]?.snapshotId ?? "";
    expect((await client.call("listSnapshots", { query: { id: snapshotId } })).snapshots).toEqual([ready.snapshots[0]]);
    expect((await client.call("listSnapshots", { query: { id: "one:1" } })).snapshots).toEqual([ready.snapshots[0]]);
  });

  test("keys and provisioned concurrency, too", async () => {
    await using harness = await start();
    const { client, control } = harness;
    expect((await client.call("listKeys", {})).keys).toEqual(KEYS);
    expect(await client.call("listKeys", { query: { limit: 1 } })).toMatchObject({
      keys: [KEYS[2]],
      next: expect.any(String),
    });
    expect((await client.call("listKeys", { query: { state: "Disabled" } })).keys).toEqual([KEYS[1]]);
    expect((await client.call("listKeys", { query: { id: "default" } })).keys).toEqual([KEYS[0]]);
    await control.create("plain", "a", { snapStart: false });
    for (const version of ["1", "2"]) {
      await control.call("UpdateFunctionConfiguration", { FunctionName: "plain", MemorySize: 128 * Number(version) });
      await control.advance(0);
      await control.publish("plain");
      const input = { FunctionName: "plain", Qualifier: version, ProvisionedConcurrentExecutions: 1 };
      await control.call("PutProvisionedConcurrencyConfig", input);
    }
    const qualifiers = (all: readonly ProvisionedSummary[]): string[] => all.map((each) => each.qualifier);
    expect(qualifiers((await client.call("listProvisioned", { query: { function: "plain" } })).provisioned)).toEqual([
      "1",
      "2",
    ]);
    expect(qualifiers((await client.call("listProvisioned", { query: { id: "plain:2" } })).provisioned)).toEqual(["2"]);
    const page = await client.call("listProvisioned", { query: { limit: 1 } });
    expect(qualifiers((await client.call("listProvisioned", { query: { next: page.next } })).provisioned)).toEqual([
      "2",
    ]);
    // AWS's own list of them, whose path is told apart by a fixed query only.
    const listed = await harness.fetch(
      "GET",
      "/2019-09-30/functions/plain/provisioned-concurrency?List=ALL&MaxItems=1",
    );
    expect(await listed.json()).toMatchObject({ ProvisionedConcurrencyConfigs: [{}], NextMarker: expect.any(String) });
  });
});

describe("refusals, by name", () => {
  const refused: ReadonlyArray<readonly [string, string, string, RegExp]> = [
    [
      "GET",
      "environments?functon=a",
      "",
      /has no parameter "functon": it has function, version, state, id, limit, next/,
    ],
    ["GET", "host?a=1", "", /GET host has no parameter "a": it has none/],
    ["GET", "environments?constructor=1", "", /has no parameter "constructor"/],
    ["GET", "environments?limit=0", "", /parameter limit is wrong: expected a whole number from 1 to 1000/],
    ["GET", "environments?limit=", "", /parameter limit is wrong/],
    ["GET", "environments?limit=1e9", "", /parameter limit is wrong/],
    ["GET", "environments?limit=1&limit=2", "", /parameter limit is given 2 times/],
    ["GET", "environments?next=!", "", /parameter next is wrong/],
    ["GET", "snapshots?state=Ready", "", /parameter state is wrong: expected one of creating, waiting, ready/],
    ["GET", "snapshots/one:1/verify?local=yes", "", /parameter local is wrong: expected 1, true, 0 or false/],
    ["GET", "logs/one?since=yesterday", "", /parameter since is wrong: expected milliseconds/],
    ["GET", "logs/one?follow=2", "", /parameter follow is wrong/],
    ["GET", "logs/one?tail=1", "", /has no parameter "tail": it has since, follow/],
    ["GET", "logs/%zz", "", /not a valid url component/],
    ["POST", "environments/stop", '{"functions":"one"}', /body is wrong: unrecognized key: "functions"/],
    ["POST", "environments/stop", '{"function":1}', /body is wrong: function: invalid input: expected string/],
    ["POST", "environments/stop", "{", /request is not JSON/],
    ["POST", "environments/stop", "[]", /body is wrong/],
    ["POST", "check", '{"event":"{}"}', /body is wrong: function: /],
    ["POST", "check", '{"function":"one:1","clones":9}', /clones must be a number from 2 to 5/],
    ["POST", "keys/create", '{"arn":null}', /own key is always there/],
    ["POST", "keys/create", "", /body is wrong/],
  ];

  test.for(refused)("%s %s %s", async ([method, path, body, message]) => {
    await using harness = await HttpHarness.start({ functions: FUNCTIONS });
    const answer = await harness.thaw(method, path, Buffer.from(body));
    expect(answer).toMatchObject({ status: 400, message: expect.stringMatching(message) });
    expect(harness.problems).toEqual([]);
  });

  test("a route that is not there, and a method", async () => {
    await using harness = await HttpHarness.start({ functions: FUNCTIONS });
    for (const [method, path] of [
      ["GET", "nothing"],
      ["PUT", "keys"],
      ["POST", "keys/rename"],
      ["GET", "objects/a"],
    ] as const)
      expect(await harness.thaw(method, path)).toMatchObject({
        status: 404,
        text: expect.stringContaining(`No such route: ${method} /_thaw/v1/${path}`),
      });
  });
});

describe("environments/stop", () => {
  test("takes an alias of the function, and refuses one that is not there", async () => {
    await using harness = await start();
    const { client } = harness;
    await client.call("stopEnvironments", { body: { function: "one", version: "live" } });
    await harness.control.advance(0);
    const left = (await client.call("listEnvironments", {})).environments.map(
      (each) => `${each.functionName}:${each.version}`,
    );
    expect(left).toContain("one:1");
    expect(left).not.toContain("one:2");
    await expect(
      harness.thaw("POST", "environments/stop", Buffer.from('{"function":"one","version":"dead"}')),
    ).resolves.toMatchObject({
      status: 404,
      text: expect.stringContaining("Function not found"),
    });
    expect(await client.call("stopEnvironments", { body: undefined })).toEqual({ stopped: expect.any(Number) });
  });
});

test("health needs no signature; nothing else is open", async () => {
  await using harness = await HttpHarness.start({ functions: FUNCTIONS });
  const bare = async (path: string) => (await fetch(`http://${harness.host}/_thaw/v1/${path}`)).status;
  expect(await bare("health")).toBe(200);
  for (const path of ["host", "health/", "health/x", "metrics", "environments", "code/x"])
    expect(await bare(path)).toBe(403);
});

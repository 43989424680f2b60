import { expect, test } from "vitest";
import type { OperationTypes } from "@thaw/aws-api/ssm";
import type { ServiceContext } from "../aws-service.ts";
import type { SsmParts } from "./context.ts";
import { ssmOperations } from "./ssm.ts";

const MIB = 1024 * 1024;
const CONTEXT = { caller: { principalArn: "arn:aws:iam::000000000000:user/u" } } as unknown as ServiceContext;

interface Measures {
  readonly ssmParameter?: { readonly count: number; readonly sizeBytes: number };
  readonly ssmParameterValue?: { readonly count: number; readonly sizeBytes: number };
}

/** An account that has the parameter `known` with a hundred versions, and so much of everything. */
function account(measures: Measures) {
  const version = (number: number) => ({
    version: number,
    description: "",
    tier: "Standard",
    keyId: null,
    labels: [],
    modifiedMs: 0,
    modifiedBy: CONTEXT.caller.principalArn,
  });
  const versions = Array.from({ length: 100 }, (_, number) => version(number + 1));
  const known = { id: "known", type: "String", version: 100, versions, tags: {}, revision: 1 };
  const oldest = { id: "known:1", value: "x".repeat(100), wrappedKey: null, keyArn: null, revision: 1 };
  let commits = 0;
  const store = {
    getAccountEntry: async (kind: string, id: string) =>
      kind === "ssmParameterValue" ? oldest : id === "known" ? known : null,
    measureAccountEntries: async (kind: keyof Measures) => measures[kind] ?? { count: 1, sizeBytes: 1 },
    commit: async () => {
      commits++;
      return "done";
    },
  };
  const parts = { store, scope: { accountId: "000000000000", region: "us-east-1" }, clock: { nowMs: () => 0 } };
  const operations = ssmOperations(parts as unknown as SsmParts);
  async function call<K extends keyof OperationTypes>(name: K, input: OperationTypes[K]["input"]): Promise<unknown> {
    const found = operations[name];
    if (found === undefined) throw new Error(`no operation ${name}`);
    return found(input, CONTEXT);
  }
  return { call, commits: () => commits };
}

const FULL = { count: 1000, sizeBytes: 256 * MIB };
const ADDED = { Name: "added", Value: "v", Type: "String" } as const;
const refused = { code: "ParameterLimitExceeded", message: expect.stringContaining("268435456 bytes together") };

test("all values of an account have a limit together", async () => {
  const { call, commits } = account({ ssmParameterValue: FULL });
  await expect(call("PutParameter", ADDED)).rejects.toMatchObject(refused);
  const longer = { Name: "known", Value: "x".repeat(101), Overwrite: true } as const;
  await expect(call("PutParameter", longer)).rejects.toMatchObject(refused);
  expect(commits()).toBe(0);
});

test("a version that is no longer than the one that goes for it has room", async () => {
  const { call, commits } = account({ ssmParameterValue: FULL });
  await call("PutParameter", { Name: "known", Value: "x".repeat(90), Overwrite: true });
  expect(commits()).toBe(1);
});

test("short values count with a size, too", async () => {
  const { call } = account({ ssmParameterValue: { count: 256 * 1024, sizeBytes: 20 * MIB } });
  await expect(call("PutParameter", ADDED)).rejects.toMatchObject(refused);
});

test("what is said of versions, tags and labels count as well", async () => {
  const { call, commits } = account({ ssmParameter: FULL });
  await expect(call("PutParameter", ADDED)).rejects.toMatchObject(refused);
  const tagged = { ResourceType: "Parameter", ResourceId: "known", Tags: [{ Key: "k", Value: "v" }] } as const;
  await expect(call("AddTagsToResource", tagged)).rejects.toMatchObject(refused);
  await expect(call("LabelParameterVersion", { Name: "known", Labels: ["current"] })).rejects.toMatchObject(refused);
  await call("RemoveTagsFromResource", { ResourceType: "Parameter", ResourceId: "known", TagKeys: ["k"] });
  expect(commits()).toBe(1);
});

test("an account has at most 10,000 parameters", async () => {
  const { call } = account({ ssmParameter: { count: 10_000, sizeBytes: 1 } });
  await expect(call("PutParameter", ADDED)).rejects.toThrow("at most 10000 parameters");
});

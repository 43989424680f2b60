import { expect, test } from "vitest";
import type { OperationTypes } from "@thaw/aws-api/apigateway";
import type { MetadataStore } from "../ports/metadata-store.ts";
import { newApi, restApiOperations } from "./apigateway/rest-apis.ts";
import { StoredRestApis } from "./apigateway/stored-rest-apis.ts";
import { apiGatewayOperations } from "./apigatewayv2/api-gateway.ts";
import type { ServiceContext } from "./aws-service.ts";
import type { ApiParts } from "./gateways/api-documents.ts";

const MIB = 1024 * 1024;
const CONTEXT = { caller: {}, addressOf: () => "http://x" } as unknown as ServiceContext;

interface Kept {
  readonly id: string;
}

/** A store that has these APIs, of so many bytes, and tells how many each read brought. */
function setUp(apis: readonly Kept[], measured: { readonly count?: number; readonly sizeBytes?: number } = {}) {
  const reads: number[] = [];
  const committed: unknown[] = [];
  const { count = apis.length, sizeBytes = 0 } = measured;
  const store: Partial<MetadataStore> = {
    listAccountEntries: (async () => {
      reads.push(apis.length);
      return apis;
    }) as never,
    listAccountEntriesAfter: (async (_kind: string, after: string, countMax: number) => {
      const some = apis.filter(({ id }) => id > after).slice(0, countMax);
      reads.push(some.length);
      return some;
    }) as never,
    getAccountEntry: (async (_kind: string, id: string) => apis.find((api) => api.id === id) ?? null) as never,
    measureAccountEntries: async () => ({ count, sizeBytes }),
    commit: async (writes) => {
      committed.push(...writes);
      return "done";
    },
  };
  const parts = {
    store,
    scope: { accountId: "000000000000", region: "us-east-1" },
    // Each look at the clock finds that the turn is over.
    clock: { monotonicMs: () => (nowMs += 1000), nowMs: () => nowMs },
    random: { bytes: (length: number) => Buffer.alloc(length, 7) },
  } as unknown as ApiParts;
  let nowMs = 0;
  return { parts, reads, committed };
}

function operation<K extends keyof OperationTypes>(parts: ApiParts, name: K) {
  const found = restApiOperations(new StoredRestApis(parts))[name];
  if (found === undefined) throw new Error(`no operation ${name}`);
  return (input: OperationTypes[K]["input"]) => found(input, CONTEXT);
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `api${String(n).padStart(3, "0")}`);

function restApis(count: number): Kept[] {
  const bare = newApi(new StoredRestApis(setUp([]).parts));
  return ids(count).map((id) => ({ ...bare, id, revision: 1 }));
}

test("a page of REST APIs has one of them in memory at a time, and others have their turn", async () => {
  const { parts, reads } = setUp(restApis(12));
  let turns = 0;
  let isOver = false;
  const look = (): void => {
    turns++;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const list = operation(parts, "GetRestApis");
  const found: string[] = [];
  let position: string | undefined;
  do {
    const page = await list({ limit: 5, ...(position === undefined ? {} : { position }) });
    found.push(...(page.items ?? []).map(({ id = "" }) => id));
    position = page.position;
  } while (position !== undefined);
  isOver = true;
  expect(found).toEqual(ids(12));
  expect(Math.max(...reads)).toBe(1);
  expect(turns).toBeGreaterThanOrEqual(12);
  await expect(list({ position: "nothing of ours" })).rejects.toThrow("Invalid position parameter");
});

test("a page of HTTP APIs likewise", async () => {
  const api = { name: "a", cors: null, description: null, version: null, tags: {}, createdAtMs: 0, routes: [] };
  const { parts, reads } = setUp(ids(3).map((id) => ({ ...api, id })));
  const { GetApis } = apiGatewayOperations(parts);
  const first = await GetApis?.({ MaxResults: "2" }, CONTEXT);
  expect(first?.Items?.map(({ ApiId }) => ApiId)).toEqual(ids(2));
  const second = await GetApis?.({ NextToken: first?.NextToken ?? "" }, CONTEXT);
  expect(second?.Items?.map(({ ApiId }) => ApiId)).toEqual(ids(3).slice(2));
  expect(second?.NextToken).toBeUndefined();
  expect(Math.max(...reads)).toBe(1);
});

test("another API is counted without reading those that there are", async () => {
  const { parts, reads, committed } = setUp([], { count: 600 });
  await expect(operation(parts, "CreateRestApi")({ name: "one too many" })).rejects.toThrow("at most 600 APIs");
  expect([reads, committed]).toEqual([[], []]);
});

test("all APIs together have a limit of bytes, which one that becomes no longer does not meet", async () => {
  const { parts, committed } = setUp(restApis(1), { sizeBytes: 256 * MIB });
  await expect(operation(parts, "CreateRestApi")({ name: "another" })).rejects.toThrow("268435456 bytes together");
  const update = operation(parts, "UpdateRestApi");
  const named = (value: string) => ({
    restApiId: "api000",
    patchOperations: [{ op: "replace" as const, path: "/name", value }],
  });
  await expect(update(named("longer"))).rejects.toThrow("268435456 bytes together");
  await expect(update(named("a"))).rejects.toThrow("268435456 bytes together");
  expect(committed).toEqual([]);
  const shorter = restApis(1).map((api) => ({ ...api, name: "long name" }));
  const full = setUp(shorter, { sizeBytes: 256 * MIB });
  await operation(full.parts, "UpdateRestApi")(named("short"));
  expect(full.committed).toHaveLength(1);
});

test("what deployments froze has a limit of its own", async () => {
  const { parts, committed } = setUp(restApis(1), { sizeBytes: 1024 * MIB });
  const record = { id: "api000 d", frozen: "x".repeat(100) } as never;
  const frozen = { op: "put", kind: "restFrozen", record, over: null } as const;
  const apis = new StoredRestApis(parts);
  const deploying = apis.change("api000", (api) => ({ api, writes: [frozen], result: undefined }));
  await expect(deploying).rejects.toThrow("1073741824 bytes");
  expect(committed).toEqual([]);
});

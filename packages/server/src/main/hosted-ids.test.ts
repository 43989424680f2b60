import { expect, it } from "vitest";
import type { MetadataStore, Write } from "../ports/metadata-store.ts";
import { HostedIds } from "./hosted-ids.ts";

const entry = (id: string) => ({ id, functionName: "f", qualifier: "$LATEST", revision: 1 });
const write = (op: "put" | "remove", kind: "urlId", id: string): Write =>
  op === "put" ? { op, kind, record: entry(id), over: null } : { op, kind, record: entry(id) };

/** Reads no more than a few at once: an API may have some MB. */
function storeOf(listed: Readonly<Record<string, ReadonlyArray<{ readonly id: string }>>>) {
  const listAccountEntriesAfter = async (kind: string, after: string, countMax: number) => {
    expect(countMax).toBeLessThanOrEqual(5);
    return listed[kind]?.filter(({ id }) => id > after).slice(0, countMax) ?? [];
  };
  return { listAccountEntriesAfter } as unknown as MetadataStore;
}

it("reads all that a scope has", async () => {
  const ids = new HostedIds();
  const all = Array.from({ length: 12 }, (_, n) => entry(`api${String(n).padStart(2, "0")}`));
  await ids.load("alice", storeOf({ restApi: all }));
  expect(all.map(({ id }) => ids.scopeOf("restApi", id))).toEqual(all.map(() => "alice"));
});

it("knows whose an id is, from what was there, what is made and what goes", async () => {
  const ids = new HostedIds();
  const listed = {
    urlId: [entry("old")],
    httpApi: [entry("api"), entry("old")],
    restApi: [],
    topicSubscription: [entry("path")],
  };
  await ids.load("alice", storeOf(listed));
  ids.heard("bob", [write("put", "urlId", "new")]);
  const owners = (): readonly unknown[] => [
    ids.scopeOf("urlId", "old"),
    ids.scopeOf("httpApi", "api"),
    ids.scopeOf("urlId", "api"),
    ids.scopeOf("urlId", "new"),
    ids.scopeOf("topicSubscription", "path"),
  ];
  expect(owners()).toEqual(["alice", "alice", null, "bob", "alice"]);
  // Another's removal of an id says nothing about one's own.
  ids.heard("bob", [write("remove", "urlId", "old"), write("remove", "urlId", "new")]);
  expect(owners()).toEqual(["alice", "alice", null, null, "alice"]);
  ids.forget("alice");
  expect(owners()).toEqual([null, null, null, null, null]);
});

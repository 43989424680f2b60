import { expect, it } from "vitest";
import type { MetadataStore, Write } from "../ports/metadata-store.ts";
import { HostedIds } from "./hosted-ids.ts";

const entry = (id: string) => ({ id, functionName: "f", qualifier: "$LATEST", revision: 1 });
const write = (op: "put" | "remove", kind: "urlId", id: string): Write =>
  op === "put" ? { op, kind, record: entry(id), over: null } : { op, kind, record: entry(id) };

it("knows whose an id is, from what was there, what is made and what goes", async () => {
  const ids = new HostedIds();
  const listed = {
    urlId: [entry("old")],
    httpApi: [entry("old"), entry("api")],
    restApi: [],
    topicSubscription: [entry("path")],
  };
  const listAccountEntries = (async (kind: keyof typeof listed) =>
    listed[kind]) as unknown as MetadataStore["listAccountEntries"];
  await ids.load("alice", { listAccountEntries });
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

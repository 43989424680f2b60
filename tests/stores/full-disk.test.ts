/** A queue of 10,000 accepted events on a disk that is full: none is lost, and all can be carried out. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import type { FunctionRecord } from "@thaw/server/testing/model";
import type { MetadataStore, Write } from "@thaw/server/testing/ports";
import { openSqliteStore } from "@thaw/server/testing/store";

const EVENTS = 10_000;
const PAYLOAD = Buffer.from(JSON.stringify("x".repeat(1000)));
const OWNER: FunctionRecord = { name: "f", uid: 100_000, lastVersion: 0, tags: {}, reservedConcurrency: null };

let dir: string;
let store: MetadataStore;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-full-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "thaw-full-disk", dir]);
});

afterAll(async () => {
  await store?.close();
  execFileSync("umount", [dir]);
  rmdirSync(dir);
});

function accept(requestId: string): Write {
  const times = { attempts: 0, acceptedAtMs: 0, notBeforeMs: 0 };
  const about = { requestId, functionName: "f", qualifier: null, clientContext: null, traceId: "Root=1" };
  return { op: "addEvent", event: { ...about, payload: PAYLOAD, ...times } };
}

/** Takes all that is left of the disk. */
function fill(): void {
  const file = openSync(join(dir, "filler"), "w");
  for (let size = 1 << 20; size >= 512; size /= 2) {
    try {
      while (writeSync(file, Buffer.alloc(size, 1)) === size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
  closeSync(file);
}

it("holds each of them over a new start, refuses more, and empties", async ({ expect }) => {
  const path = join(dir, "thaw.db");
  store = openSqliteStore(path);
  await store.commit([{ op: "put", kind: "function", record: OWNER, over: null }]);
  for (let n = 0; n < EVENTS; n++) expect(await store.commit([accept(`r${n}`)])).toBe("done");
  fill();
  let refused = 0;
  let more = 0;
  // What is free inside of the database's own files takes some.
  for (let n = 0; n < 5000 && refused === 0; n++) {
    const done = await store.commit([accept(`more${n}`)]).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ code: "STORE_FULL" });
        return false;
      },
    );
    if (done) more++;
    else refused++;
  }
  expect(refused).toBe(1);
  // As after a crash: what the first one has in memory is not asked.
  const next = openSqliteStore(path);
  const ids = new Set((await next.listEvents(1, EVENTS * 2)).map(({ requestId }) => requestId));
  expect(ids.size).toBe(EVENTS + more);
  await store.close();
  store = next;
  for (const event of await next.listEvents(1, EVENTS * 2))
    expect(await next.commit([{ op: "removeEvent", event }])).toBe("done");
  expect(await next.listEvents(1, 10)).toEqual([]);
  rmSync(join(dir, "filler"));
  expect(await next.commit([accept("after")])).toBe("done");
});

/**
 * What the store of the metadata takes, in turns: SQLite, PostgreSQL, PostgreSQL behind PgBouncer, all on this host and
 * with commits that wait for the disk. `node --disable-warning=ExperimentalWarning tests/bench/metadata.ts [ROUNDS]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetadataStore } from "@thaw/server/testing/ports";
import { create, functionOf, openDatabase, parseDatabaseUrl, systemClock } from "@thaw/server/testing/postgres";
import { openSqliteStore } from "@thaw/server/testing/store";
import { noPgBouncer, noPostgres, PostgresServer } from "../support/postgres.ts";

const READS = 2000;
const COMMITS = 200;
const HOME = { accountId: "000000000000", region: "us-east-1" };

interface Measured {
  readonly name: string;
  readonly store: MetadataStore;
  readonly close: () => Promise<void>;
  readonly readsUs: number[];
  readonly commitsUs: number[];
}

async function eachUs(count: number, call: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  for (let at = 0; at < count; at++) await call();
  return ((performance.now() - startMs) * 1000) / count;
}

async function measure({ store, readsUs, commitsUs }: Measured): Promise<void> {
  readsUs.push(await eachUs(READS, () => store.getVersion("f", "$LATEST")));
  const touch = async (): Promise<void> => {
    await store.commit([{ op: "touchFunction", record: await functionOf(store, "f") }]);
  };
  commitsUs.push(await eachUs(COMMITS, touch));
}

function measured(name: string, store: MetadataStore, close: () => Promise<void>): Measured {
  return { name, store, close, readsUs: [], commitsUs: [] };
}

async function inDatabase(name: string, url: string): Promise<Measured> {
  const database = await openDatabase({
    address: parseDatabaseUrl(url, null),
    holder: { id: "bench", shown: "bench" },
    installation: "bench",
    isKnown: false,
    home: HOME,
    clock: systemClock,
    onProblem: () => undefined,
  });
  return measured(name, await database.openStore(HOME, () => undefined), () => database.close());
}

function median(values: readonly number[]): string {
  return (values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN).toFixed(1);
}

async function main(rounds: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "thaw-bench-"));
  const server = noPostgres === null ? await PostgresServer.start({ fsync: true }) : null;
  const bouncer = noPgBouncer === null ? await server?.bouncer() : null;
  const sqlite = openSqliteStore(join(dir, "thaw.db"));
  const all = [measured("SQLite", sqlite, () => sqlite.close())];
  try {
    if (server !== null) all.push(await inDatabase("PostgreSQL", server.url(server.makeDatabase())));
    if (server !== null && bouncer !== null && bouncer !== undefined)
      all.push(await inDatabase("PgBouncer", bouncer.url(server.makeDatabase())));
    for (const { store } of all) await create(store, "f");
    for (let round = 0; round <= rounds; round++) for (const each of all) await measure(each);
    for (const { name, readsUs, commitsUs } of all)
      process.stdout.write(
        `${name.padEnd(12)} a read ${median(readsUs.slice(1))} us, a read and a commit ${median(commitsUs.slice(1))} us\n`,
      );
  } finally {
    for (const { close } of all) await close();
    await bouncer?.stop();
    await server?.stop();
    rmSync(dir, { recursive: true });
  }
}

await main(Number(process.argv[2] ?? 5));

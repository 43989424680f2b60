/**
 * Metadata in a real PostgreSQL: what every store does, with and without a PgBouncer before it, and what a database can
 * do that a file can't: be away, be another one's, be taken over.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  Connections,
  create,
  type Database,
  type DatabaseOptions,
  functionOf,
  metadataStoreSuite,
  openDatabase,
  parseDatabaseUrl,
  systemClock as clock,
} from "@thaw/server/testing/postgres";
import { noPgBouncer, noPostgres, type PgBouncer, PostgresServer } from "../support/postgres.ts";

const HOME = { accountId: "000000000000", region: "us-east-1" };
const HOLDER = { id: "one", shown: "process 1 on one" };

type Started = Omit<Partial<DatabaseOptions>, "address"> & { readonly url: string };

function start({ url, ...others }: Started): Promise<Database> {
  return openDatabase({
    address: parseDatabaseUrl(url, null),
    holder: HOLDER,
    installation: "i",
    isKnown: false,
    home: HOME,
    clock,
    onProblem: () => undefined,
    ...others,
  });
}

let server: PostgresServer;

beforeAll(async () => {
  if (noPostgres === null) server = await PostgresServer.start();
});
afterAll(() => server?.stop());

let accounts = 0;

/** Data of their own: an account that nobody had. */
function conformance(name: string, database: () => Database): void {
  metadataStoreSuite({
    name,
    prepare: async () => {
      const scope = { accountId: String(++accounts).padStart(12, "0"), region: "us-east-1" };
      return {
        open: () => database().openStore(scope, () => undefined),
        remove: () => database().removeAccount(scope.accountId),
      };
    },
  });
}

describe.skipIf(noPostgres !== null)("direct", () => {
  let database: Database;
  beforeAll(async () => {
    database = await start({ url: server.url(server.makeDatabase()) });
  });
  afterAll(() => database?.close());
  conformance("PostgreSQL", () => database);
});

describe.skipIf(noPgBouncer !== null)("through PgBouncer", () => {
  let database: Database;
  let bouncer: PgBouncer;
  beforeAll(async () => {
    bouncer = await server.bouncer();
    database = await start({ url: bouncer.url(server.makeDatabase()) });
  });
  afterAll(async () => {
    await database?.close();
    await bouncer?.stop();
  });
  conformance("PostgreSQL behind PgBouncer, by transaction", () => database);
});

/** Opens one that is closed with the test. */
async function opened(options: Started): Promise<Database> {
  const database = await start(options);
  onTestFinished(() => database.close());
  return database;
}

const opens = (options: Started): Promise<unknown> => start(options).then((database) => database.close());

describe.skipIf(noPostgres !== null)("one server at a time", () => {
  it("refuses another server while the first one runs, and takes it when that one has stopped", async () => {
    const url = server.url(server.makeDatabase());
    // Never renewed, and as long as a test may take.
    const first = await start({ url, clock: { ...clock, after: () => () => undefined } });
    server.sql(new URL(url).pathname.slice(1), "UPDATE thaw.lease SET until = now() + interval '1 hour'");
    const other = { url, holder: { id: "two", shown: "process 2 on two" } };
    await expect(opens(other)).rejects.toMatchObject({
      code: "DATABASE_HELD",
      publicMessage: expect.stringMatching(/in use by another server, process 1 on one.*ends in \d+ s/),
    });
    await first.close();
    await opens(other);
  });

  it("goes on at once after the end of the same server, and writes and reads nothing of the one before", async () => {
    const url = server.url(server.makeDatabase());
    const first = await opened({ url });
    const store = await first.openStore(HOME, () => undefined);
    await create(store, "f");
    const before = await functionOf(store, "f");
    const second = await opened({ url });
    await expect(store.commit([{ op: "touchFunction", record: before }])).rejects.toMatchObject({
      code: "DATABASE_TAKEN",
    });
    await first.taken;
    await expect(store.getFunction("f")).rejects.toMatchObject({ code: "DATABASE_TAKEN" });
    await expect(first.openStore(HOME, () => undefined)).rejects.toMatchObject({ code: "DATABASE_TAKEN" });
    const again = await second.openStore(HOME, () => undefined);
    expect(await again.getFunction("f")).toEqual(before);
  });

  it("makes its tables once, however many start at the same time", async () => {
    const url = server.url(server.makeDatabase());
    const all = await Promise.allSettled([1, 2, 3].map(() => start({ url })));
    const failed = all.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []));
    for (const each of all) if (each.status === "fulfilled") await each.value.close();
    expect(failed).toEqual([]);
  });

  it("an account that is removed takes its data along, and its store does not take the server for lost", async () => {
    const database = await opened({ url: server.url(server.makeDatabase()) });
    const scope = { accountId: "111111111111", region: "eu-west-1" };
    const store = await database.openStore(scope, () => undefined);
    await create(store, "f");
    const record = await functionOf(store, "f");
    await database.removeAccount(scope.accountId);
    expect(await database.listScopes()).toEqual([]);
    await expect(store.commit([{ op: "touchFunction", record }])).rejects.toThrow(
      "account of this data has been removed",
    );
    const again = await database.openStore(scope, () => undefined);
    expect(await again.listFunctions()).toEqual([]);
    await create(again, "f");
  });
});

describe.skipIf(noPostgres !== null)("a database that can't be used", () => {
  it("refuses a newer format, and leaves it as it is", async () => {
    const name = server.makeDatabase();
    await opens({ url: server.url(name) });
    server.sql(name, "UPDATE thaw.format SET version = 99");
    const before = server.sql(name, "SELECT * FROM thaw.lease");
    await expect(opens({ url: server.url(name) })).rejects.toThrow(/has format 99.*newer version of Thaw/);
    expect(server.sql(name, "SELECT * FROM thaw.lease")).toBe(before);
  });

  it("refuses one that is not this data directory's, and one that was begun with another home", async () => {
    const url = server.url(server.makeDatabase());
    await expect(opens({ url, isKnown: true })).rejects.toThrow(
      /belongs to a database that has its functions.*is empty/,
    );
    await opens({ url });
    await opens({ url, isKnown: true });
    await expect(opens({ url, installation: "another" })).rejects.toThrow(/belongs to another data directory/);
    await expect(opens({ url, home: { ...HOME, region: "eu-west-1" } })).rejects.toThrow(
      /begun with the account and Region 000000000000\/us-east-1/,
    );
    // Whoever was refused has let it go.
    await opens({ url, holder: { id: "two", shown: "two" } });
  });

  it("says why it can't be reached, and never the password", async () => {
    const name = server.makeDatabase();
    server.sql(name, "CREATE ROLE guest LOGIN PASSWORD 'guests-own'");
    const cases = [
      [server.url(name, { password: "wrong-secret" }), /password authentication failed/],
      [server.url("none-such"), /database "none-such" does not exist/],
      ["postgres://thaw:wrong-secret@127.0.0.1:1/x", /ECONNREFUSED/],
      ["postgres://thaw:wrong-secret@localhost/x?host=/none-such", /ENOENT/],
      [server.url(name, { user: "guest", password: "guests-own" }), /guest may not make tables.*CREATE SCHEMA thaw/],
    ] as const;
    for (const [url, why] of cases) {
      const error: unknown = await opens({ url }).catch((each: unknown) => each);
      expect(String(error)).toMatch(why);
      expect(String(error)).not.toMatch(/wrong-secret|guests-own|p@ss|p%40ss/);
    }
  });

  it("speaks TLS, and refuses a server that it can't know", async () => {
    const name = server.makeDatabase();
    const known = `?sslmode=verify-full&sslrootcert=${server.certificate}`;
    await opens({ url: server.url(name, { more: known }) });
    await opens({ url: server.url(name, { more: "?sslmode=require" }) });
    await expect(opens({ url: server.url(name, { more: "?sslmode=verify-full" }) })).rejects.toThrow(/self-signed/);
    server.sql(name, "CREATE ROLE encrypted LOGIN SUPERUSER PASSWORD 'e'");
    const database = await opened({
      url: server.url(name, { user: "encrypted", password: "e", more: "?sslmode=require" }),
    });
    expect(await database.listScopes()).toEqual([]);
    const ssl = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'encrypted'";
    expect(server.sql(name, ssl)).toBe("t");
  });
});

describe.skipIf(noPostgres !== null)("a database that goes and comes", () => {
  it("is an error that says so while it is away, and is taken up again", async () => {
    const own = await PostgresServer.start();
    onTestFinished(() => own.stop());
    const database = await opened({ url: own.url("postgres") });
    const store = await database.openStore(HOME, () => undefined);
    await create(store, "f");
    await own.down();
    for (const call of [() => store.getFunction("f"), () => store.commit([]), () => store.nextUid(new Set())])
      await expect(call()).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", transient: true });
    await own.up();
    const record = await functionOf(store, "f");
    expect(await store.commit([{ op: "touchFunction", record }])).toBe("done");
  });

  it("pauses after a write that a standby refused, so that nobody reads, acts and writes again and again", async () => {
    const name = server.makeDatabase();
    let nowMs = 0;
    const database = await opened({ url: server.url(name), clock: { ...clock, monotonicMs: () => nowMs } });
    const store = await database.openStore(HOME, () => undefined);
    await create(store, "f");
    const record = await functionOf(store, "f");
    server.sql(name, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    endConnections(name);
    const write = { op: "touchFunction", record } as const;
    await rejectedWith(() => store.commit([write]), /read-only/);
    nowMs = 999;
    await expect(store.getFunction("f")).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    nowMs = 1000;
    expect(await store.getFunction("f")).toEqual(record);
    server.sql("postgres", `ALTER DATABASE ${name} RESET default_transaction_read_only`);
    endConnections(name);
    const later = (): Promise<unknown> => {
      nowMs += 1000;
      return store.commit([write]).catch(() => "refused");
    };
    await expect.poll(later, { timeout: 60_000 }).toBe("done");
  });

  it("runs a transaction again that others were in the way of, and no other one", async () => {
    const connections = new Connections(parseDatabaseUrl(server.url(server.makeDatabase()), null), clock);
    onTestFinished(() => connections.close());
    const raise = (state: string): string => `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${state}'; END $$`;
    const runs = async (state: string, failures: number): Promise<number> => {
      let count = 0;
      const counted = connections.transact("SELECT 1", async (_rows, query) => {
        if (++count <= failures) await query(raise(state));
        return { isDone: true, value: undefined };
      });
      await counted.catch(() => undefined);
      return count;
    };
    expect([await runs("40001", 2), await runs("40P01", 1), await runs("40001", 99), await runs("23505", 1)]).toEqual([
      3, 2, 5, 1,
    ]);
  });

  /** Those of clients; the one that does it stays. */
  function endConnections(name: string): void {
    const others = `datname = '${name}' AND pid <> pg_backend_pid()`;
    server.sql("postgres", `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE ${others}`);
  }

  /** A connection that was ended is noticed by its next use, at the latest. */
  async function rejectedWith(call: () => Promise<unknown>, form: RegExp): Promise<void> {
    await expect
      .poll(() => call().then(String, (error: unknown) => String((error as Error).cause)), { timeout: 60_000 })
      .toMatch(form);
  }
});

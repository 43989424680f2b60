/**
 * A server with 5,000 functions of 3 versions each, 200 of which have snapshots, beside an empty one, in turns: start,
 * a page of ListFunctions, publish, warm invoke. `THAW_SCALE=FUNCTIONS,SNAPSHOTS` makes fewer.
 */
import { ListFunctionsCommand, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { chownSync } from "node:fs";
import { join } from "node:path";
import type { MetadataStore, Write } from "@thaw/server/testing/ports";
import { openSqliteStore } from "@thaw/server/testing/store";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { processorMs } from "./processor.ts";
import type { Series } from "./series.ts";

const [FUNCTIONS = 5000, SNAPSHOTS = 200] = (process.env["THAW_SCALE"] ?? "5000,200").split(",").map(Number);
const VERSIONS = ["1", "2", "3"];
const ROUNDS = 5;
const PAGES = 40;
const PUBLISHES = 5;
const INVOKES = 200;
/** Functions that are written in one commit. */
const AT_ONCE = 100;
const SERVER_UID = 64_321;
const SOURCE = { "index.mjs": "export const handler = async (event) => event;" };
const NAME = "echo";

/** A server's data, with the function that is measured. */
type Data = Pick<ThawServer, "dataDir" | "env">;

async function makeData(): Promise<ThawServer> {
  const server = await startThaw();
  const functions = new TestFunctions(server, { keepAlive: true });
  await functions.create(SOURCE, { FunctionName: NAME });
  await functions.publish(NAME);
  await server.stop();
  return server;
}

/** Copies the function's rows under other names: requests would take a quarter of an hour. */
async function fill({ dataDir }: Data): Promise<void> {
  const path = join(dataDir, "thaw.db");
  const store = openSqliteStore(path);
  try {
    for (let first = 0; first < FUNCTIONS; first += AT_ONCE) {
      const count = Math.min(AT_ONCE, FUNCTIONS - first);
      const writes = await Promise.all(Array.from({ length: count }, (_, at) => copyOf(store, first + at)));
      if ((await store.commit(writes.flat())) !== "done") throw new Error("the rows were not written");
    }
  } finally {
    await store.close();
  }
  for (const name of ["", "-wal", "-shm"]) {
    try {
      chownSync(`${path}${name}`, SERVER_UID, SERVER_UID);
    } catch {
      // SQLite removes the others when it closes.
    }
  }
}

async function copyOf(store: MetadataStore, at: number): Promise<Write[]> {
  const [owner, latest, first] = [
    await store.getFunction(NAME),
    await store.getVersion(NAME, "$LATEST"),
    await store.getVersion(NAME, "1"),
  ];
  if (owner === null || latest === null || first === null) throw new Error(`${NAME} is not there`);
  const name = `function-${String(at).padStart(5, "0")}`;
  const versions = [latest, ...VERSIONS.map((version) => ({ ...first, version }))];
  return [
    { op: "put", kind: "function", record: { ...owner, name, uid: owner.uid + 1 + at, lastVersion: 3 }, over: null },
    ...versions.map(
      (record): Write => ({
        op: "put",
        kind: "version",
        record: { ...record, functionName: name },
        over: null,
      }),
    ),
  ];
}

async function makeSnapshots(data: Data): Promise<void> {
  const server = await startThaw({ previous: data });
  const functions = new TestFunctions(server, { keepAlive: true });
  for (let at = 0; at < SNAPSHOTS; at++)
    await functions.publish(await functions.createSnapStart(SOURCE, { FunctionName: `snapshot-${at}` }));
  await server.stop();
}

/** Milliseconds of each call. */
type Measured = Readonly<Record<string, number[]>>;

async function measure(data: Data, into: Measured): Promise<void> {
  const startMs = performance.now();
  const server = await startThaw({ previous: data });
  into["start"]?.push(performance.now() - startMs);
  into["start, processor time"]?.push(processorMs(server));
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const { lambda } = functions;
    await timed(into["a page of ListFunctions"], PAGES, () => lambda.send(new ListFunctionsCommand({ MaxItems: 50 })));
    await timed(into["publish until Active, without a snapshot"], PUBLISHES, async (n) => {
      const Description = `${performance.now()} ${n}`;
      await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: NAME, Description }));
      await functions.publish(NAME);
    });
    await functions.invoke(NAME, {});
    await timed(into["a warm invoke"], INVOKES, () => functions.invoke(NAME, {}));
  } finally {
    await server.stop();
  }
}

async function timed(into: number[] | undefined, count: number, call: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n++) {
    const startMs = performance.now();
    await call(n);
    into?.push(performance.now() - startMs);
  }
}

const NAMES = [
  "start",
  "start, processor time",
  "a page of ListFunctions",
  "publish until Active, without a snapshot",
  "a warm invoke",
];
const nothing = (): Measured => Object.fromEntries(NAMES.map((name) => [name, []]));

export async function measureScale(): Promise<Series[]> {
  const sides = [
    { label: "empty", data: await makeData(), measured: nothing() },
    { label: `${FUNCTIONS} functions`, data: await makeData(), measured: nothing() },
  ] as const;
  try {
    await fill(sides[1].data);
    await makeSnapshots(sides[1].data);
    for (let round = 0; round < ROUNDS; round++)
      for (const { data, measured } of round % 2 === 0 ? sides : sides.toReversed()) await measure(data, measured);
  } finally {
    for (const { data } of sides) await data.remove();
  }
  return NAMES.flatMap((name) =>
    sides.map(({ label, measured }) => ({
      name: `scale: ${name}, ${label}`,
      unit: "ms",
      values: measured[name] ?? [],
    })),
  );
}

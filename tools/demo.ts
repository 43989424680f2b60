/**
 * npm run demo: the Spring Boot sample from its SAM template, without and with SnapStart, through the Lambda API; then
 * the pet store, whose HTTP API answers at the address that `thaw deploy` prints. Starts a server of its own and stops
 * it at the end.
 */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, startThaw, type ThawServer } from "./thaw-server.ts";

const COLD_INVOKES = 10;
const SAMPLE = join(REPOSITORY, "samples/spring");
const FUNCTION = "orders";
const PET_STORE = join(REPOSITORY, "samples/pet-store");
/** Of an answer, on a terminal. */
const SHOWN_LENGTH = 300;

interface ColdInvoke {
  readonly report: string;
  readonly clientMs: number;
}

async function main(): Promise<void> {
  say("starting thaw serve (sandboxd as root, the server as an unprivileged user)");
  const server = await startThaw();
  try {
    await run(server);
  } finally {
    await server.remove();
  }
}

async function run(server: ThawServer): Promise<void> {
  const lambda = new LambdaClient({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: {
      accessKeyId: server.env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
    maxAttempts: 1,
  });
  say("thaw deploy samples/spring/template.yml (SnapStart: ApplyOn: PublishedVersions)");
  thaw(server, ["deploy", join(SAMPLE, "template.yml")]);
  say("cold invokes of $LATEST: the whole Init each time");
  const initialised = await coldInvokes(server, lambda, "$LATEST", 3);
  say(`cold invokes of the published version: ${COLD_INVOKES} clones of its snapshot`);
  const restored = await coldInvokes(server, lambda, "live", COLD_INVOKES);
  print(`\n${initialised.at(-1)?.report}\n${restored.at(-1)?.report}\n\n${table(initialised, restored)}\n`);
  await showPetStore(server);
  print(
    "Run it yourself:   npx thaw serve    and in another terminal    npx thaw deploy samples/spring/template.yml\n",
  );
}

/** What `thaw deploy --json` says of a stack. */
interface DeployedStack {
  readonly outputs: { readonly StoreUrl: string; readonly PetsFunction: string };
}

/** An HTTP API in front of a function whose version has a snapshot, cold and warm, as any HTTP client sees it. */
async function showPetStore(server: ThawServer): Promise<void> {
  say("thaw deploy samples/pet-store (an HTTP API, and a function with SnapStart)");
  thaw(server, ["deploy", PET_STORE]);
  const { outputs } = JSON.parse(thaw(server, ["--json", "deploy", PET_STORE], true)) as DeployedStack;
  const url = `${outputs.StoreUrl}?q=siamese+fish`;
  const times: Record<"cold" | "warm", number[]> = { cold: [], warm: [] };
  let body = "";
  for (let i = 0; i < COLD_INVOKES; i++) {
    thaw(server, ["environments", "stop", "--function", outputs.PetsFunction], true);
    for (const kind of ["cold", "warm"] as const) {
      const startMs = performance.now();
      const answer = await fetch(url);
      body = await answer.text();
      times[kind].push(performance.now() - startMs);
      if (answer.status !== 200) throw new Error(`the pet store answered ${answer.status}: ${body}`);
    }
  }
  const [cold, warm] = [median(times.cold), median(times.warm)];
  print(`\ncurl '${url}'\n${body.slice(0, SHOWN_LENGTH)}\n\n`);
  print(`  cold, from the snapshot     ${cold.toFixed(0).padStart(5)} ms at the client (median of ${COLD_INVOKES})\n`);
  print(`  warm                        ${warm.toFixed(1).padStart(5)} ms\n\n`);
}

async function coldInvokes(
  server: ThawServer,
  lambda: LambdaClient,
  qualifier: string,
  count: number,
): Promise<ColdInvoke[]> {
  const payload = readFileSync(join(SAMPLE, "event.json"));
  const results: ColdInvoke[] = [];
  for (let i = 0; i < count; i++) {
    thaw(server, ["environments", "stop", "--function", FUNCTION], true);
    const startMs = performance.now();
    const answer = await lambda.send(
      new InvokeCommand({ FunctionName: FUNCTION, Qualifier: qualifier, Payload: payload, LogType: "Tail" }),
    );
    const clientMs = performance.now() - startMs;
    const body = Buffer.from(answer.Payload ?? []).toString();
    if (answer.FunctionError !== undefined || !body.includes('"statusCode":200'))
      throw new Error(`the sample answered: ${body}`);
    const log = Buffer.from(answer.LogResult ?? "", "base64").toString();
    results.push({ report: log.split("\n").find((line) => line.startsWith("REPORT")) ?? "", clientMs });
  }
  return results;
}

function table(initialised: readonly ColdInvoke[], restored: readonly ColdInvoke[]): string {
  const init = median(initialised.map((each) => field(each, "Init Duration")));
  const restore = median(restored.map((each) => field(each, "Restore Duration")));
  const duration = [initialised, restored].map((all) => median(all.map((each) => field(each, "Duration"))));
  const client = [initialised, restored].map((all) => median(all.map((each) => each.clientMs)));
  const row = (cells: readonly string[]): string =>
    `  ${(cells[0] ?? "").padEnd(28)}${cells
      .slice(1)
      .map((cell) => cell.padStart(16))
      .join("")}\n`;
  const ms = (value: number | undefined): string => `${(value ?? 0).toFixed(0)} ms`;
  return [
    row(["Spring Boot, cold, medians", "Init / Restore", "Duration", "at the client"]),
    row(["$LATEST (Init)", ms(init), ms(duration[0]), ms(client[0])]),
    row(["SnapStart (Restore)", ms(restore), ms(duration[1]), ms(client[1])]),
    row([
      "ratio",
      `${(init / restore).toFixed(0)}×`,
      `${((duration[0] ?? 0) / (duration[1] ?? 1)).toFixed(0)}×`,
      `${((client[0] ?? 0) / (client[1] ?? 1)).toFixed(0)}×`,
    ]),
  ].join("");
}

function field(invoke: ColdInvoke, name: string): number {
  return Number(new RegExp(`\\t${name}: ([\\d.]+) ms`).exec(invoke.report)?.[1] ?? Number.NaN);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Gives what the command prints, where it is quiet. */
function thaw(server: ThawServer, args: readonly string[], quiet = false): string {
  const stdio = quiet ? ("pipe" as const) : ("inherit" as const);
  const done = spawnSync(process.execPath, [join(REPOSITORY, "packages/cli/bin/thaw.mjs"), ...args], {
    stdio: ["ignore", stdio, stdio],
    env: { ...process.env, ...server.env },
  });
  if (done.status !== 0) throw new Error(`thaw ${args.join(" ")} failed: ${String(done.stderr ?? "")}`);
  return String(done.stdout ?? "");
}

function say(text: string): void {
  print(`\n\x1b[1m→ ${text}\x1b[0m\n`);
}

function print(text: string): void {
  process.stdout.write(text);
}

await main();

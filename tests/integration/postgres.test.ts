/** A whole server whose metadata is in PostgreSQL. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetFunctionCommand, InvokeCommand, ListVersionsByFunctionCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import { noPostgres, PostgresServer } from "../support/postgres.ts";

const SOURCE = {
  "index.mjs":
    "const born = Math.random(); let calls = 0; export const handler = async () => ({ born, calls: ++calls });",
};

describe.skipIf(noPostgres !== null)("thaw serve --database", () => {
  let postgres: PostgresServer;
  let place: string;
  let first: ThawServer;
  let running: ThawServer | null = null;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    place = mkdtempSync(join(tmpdir(), "thaw-pg-place-"));
    env = { THAW_DATABASE: postgres.url("postgres") };
    first = running = await startThaw({ env });
  });
  afterAll(async () => {
    await running?.stop();
    await first?.remove();
    await postgres?.stop();
    if (place !== undefined) rmSync(place, { recursive: true, force: true });
  });

  async function startAgain(): Promise<TestFunctions> {
    running = await startThaw({ previous: first, env });
    return new TestFunctions(running);
  }

  it("keeps what was published over a stop, a kill and a restart of the database", async ({ expect }) => {
    const functions = new TestFunctions(first);
    const name = await functions.createSnapStart(SOURCE, { FunctionName: "kept" });
    const version = await functions.publish(name);
    const { born } = (await functions.invoke(name, {}, version)).payload as { born: number };
    expect(readdirSync(first.dataDir)).not.toContain("thaw.db");

    await first.stop();
    let again = await startAgain();
    expect((await again.invoke(name, {}, version)).payload).toMatchObject({ born });

    await running?.kill("launcher");
    again = await startAgain();
    expect((await again.invoke(name, {}, version)).payload).toMatchObject({ born });
    const listed = await again.lambda.send(new ListVersionsByFunctionCommand({ FunctionName: name }));
    expect(listed.Versions?.map(({ Version }) => Version)).toEqual(["$LATEST", version]);

    await postgres.down();
    await expect(again.lambda.send(new GetFunctionCommand({ FunctionName: name }))).rejects.toMatchObject({
      name: "ServiceException",
      message: "The database of the server can't be reached. Try again.",
    });
    await postgres.up();
    expect((await again.invoke(name, {}, version)).payload).toMatchObject({ born });
    const accepted = await again.lambda.send(
      new InvokeCommand({
        FunctionName: name,
        Qualifier: version,
        InvocationType: "Event",
        Payload: Buffer.from("{}"),
      }),
    );
    expect(accepted.StatusCode).toBe(202);
    await expect
      .poll(() => postgres.sql("postgres", "SELECT count(*) FROM thaw.events"), { timeout: 60_000 })
      .toBe("0");
  });

  it("shows its password nowhere: not in a command line, and not in its log", ({ expect }) => {
    const lines = readdirSync("/proc").flatMap((pid) => (/^\d+$/.test(pid) ? [commandLine(pid)] : []));
    expect(lines.some((line) => line.includes(first.dataDir))).toBe(true);
    const secret = encodeURIComponent(postgres.password);
    const told = [...lines, first.output(), running?.output() ?? ""].filter(
      (text) => text.includes(secret) || text.includes(postgres.password),
    );
    expect(told).toEqual([]);
  });

  it("refuses with a sentence what would go wrong", async ({ expect }) => {
    await running?.stop();
    // As another host has it, for as long as a test may take.
    const held = "holder = 'other', shown = 'process 1 on other', until = now() + interval '1 hour'";
    postgres.sql("postgres", `UPDATE thaw.lease SET ${held}`);
    const other = join(place, "copy");
    execFileSync("mkdir", [other]);
    execFileSync("cp", ["-a", join(first.dataDir, "database.json"), other]);
    const url = postgres.url("postgres");
    const cases: ReadonlyArray<readonly [dataDir: string, env: Record<string, string>, args: string[], why: RegExp]> = [
      [other, { THAW_DATABASE: url }, [], /in use by another server, process 1 on other/],
      [join(place, "new"), { THAW_DATABASE: url }, [], /in use by another server/],
      [other, {}, [], /metadata of .* is in a PostgreSQL database/],
      [other, {}, ["--database", url], /command line.*THAW_DATABASE/],
      [other, { THAW_DATABASE: "postgres://u@elsewhere/d" }, [], /sslmode=verify-full/],
    ];
    for (const [dataDir, variables, args, why] of cases) {
      const program = join(REPOSITORY, "packages/server/src/main/serve.ts");
      const done = spawnSync(process.execPath, [program, "--listen", "127.0.0.1:0", "--data", dataDir, ...args], {
        encoding: "utf8",
        env: { ...process.env, ...variables },
      });
      expect(done).toMatchObject({ status: 2, stderr: expect.stringMatching(why) });
      expect(done.stderr).not.toContain(encodeURIComponent(postgres.password));
    }
    const backup = spawnSync(process.execPath, [CLI, "backup", join(place, "backup"), "--data", first.dataDir], {
      encoding: "utf8",
    });
    expect(backup).toMatchObject({ status: 2, stderr: expect.stringMatching(/pg_dump/) });
  });
});

/** Empty where the process has ended meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

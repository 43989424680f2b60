// alone: attacks the host, and measures that a neighbour goes on in time
/**
 * Functions that lie to the server: calls for others' requests, forged log lines, a supervisor that is stopped, killed
 * or flooded.
 */
import { describe, it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, type Outcome, program, PROVIDED, publishOutcome, withNeighbour } from "./harness.ts";

const SIGKILL = 9;
const SIGSTOP = 19;

let functions: TestFunctions;
let neighbour: Neighbour;
let name: string;
withNeighbour(async (made, other) => {
  functions = made;
  neighbour = other;
  name = await functions.createSnapStart({ bootstrap: program("forge") }, PROVIDED);
  await functions.publish(name);
});

const attempt = async (event: Readonly<Record<string, unknown>>, qualifier = "$LATEST"): Promise<Outcome> =>
  (await functions.invoke(name, event, qualifier)).payload as Outcome;

describe.each(["$LATEST", "1"])("forged calls (%s)", (qualifier) => {
  it("can't answer another environment's request", async ({ expect }) => {
    const victim = await functions.create({ bootstrap: program("forge") }, PROVIDED);
    const running = functions.invoke(victim, { try: "wait", seconds: 2 });
    const start = await functions.eventually("the victim runs", async () =>
      (await functions.logs(victim)).find(({ message }) => message.startsWith("START ")),
    );
    const other = /RequestId: (\S+)/.exec(start.message)?.[1] ?? "";
    expect(await attempt({ try: "answer_for", other }, qualifier)).toEqual({ got: [400, 400] });
    expect((await running).payload).toEqual({ got: `mine: ${other}` });
  });

  it("can't move out of turn, nor call anything but the Runtime API", async ({ expect }) => {
    const { got } = await attempt({ try: "move_out_of_turn" }, qualifier);
    expect(
      (got as number[]).every((status) => [400, 403, 404, 405].includes(status)),
      JSON.stringify(got),
    ).toBe(true);
  });

  it("can't get another environment's credentials", async ({ expect }) => {
    for (const token of ["", "null", "undefined", "a".repeat(5000)])
      expect(await attempt({ try: "credentials_of_another", token }, qualifier)).toEqual({ refused: "EACCES" });
  });

  it("can't smuggle a request into another", async ({ expect }) => {
    const { got, broken } = await attempt({ try: "smuggle", other: "00000000-0000-0000-0000-000000000000" }, qualifier);
    expect(broken).toBe(undefined);
    for (const answer of got as string[])
      expect(answer, JSON.stringify(got)).toMatch(/^(HTTP\/1\.1 40\d.*|TimeoutError|ConnectionResetError|)$/);
  });

  it("may open as many connections as it can: only its own are used up", async ({ expect }) => {
    expect(await neighbour.during(attempt({ try: "many_connections" }, qualifier))).toEqual({
      got: expect.any(Number),
    });
    expect(await neighbour.during(attempt({ try: "flood_the_control_socket" }, qualifier))).toEqual({ got: 900 });
    expect(await attempt({ try: "wait", seconds: 0 }, qualifier)).toEqual({ got: expect.stringContaining("mine") });
  });
});

describe("the supervisor, which is the function's own", () => {
  it.each([SIGSTOP, SIGKILL])("signal %s: the invoke fails, the next has another environment", async (signal) => {
    const victim = await functions.create({ bootstrap: program("forge") }, { ...PROVIDED, Timeout: 10 });
    const outcome = await neighbour.during(
      functions.invoke(victim, { try: "signal_the_supervisor", signal, seconds: 1 }).catch((error: unknown) => error),
    );
    const failed = outcome instanceof Error || (outcome as { functionError?: string }).functionError === "Unhandled";
    if (!failed) throw new Error(JSON.stringify(outcome));
    const next = (await functions.invoke(victim, { try: "wait", seconds: 0 })).payload as Outcome;
    if (!String(next.got).startsWith("mine")) throw new Error(JSON.stringify(next));
  });

  it("stopped before the snapshot: the version fails in bounded time, and others are published meanwhile", async ({
    expect,
  }) => {
    const both = await Promise.all(
      ["later", "later"].map((when) =>
        functions.createSnapStart(
          { bootstrap: program("forge") },
          // A clone in which it is stopped hangs until the end of its time.
          { ...PROVIDED, Timeout: 10, Environment: { Variables: { STOP_AT_INIT: when } } },
        ),
      ),
    );
    const outcomes = await neighbour.during(Promise.all(both.map((each) => publishOutcome(functions, each))));
    for (const { state } of outcomes) expect(["Failed", "Active"]).toContain(state);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.state !== "Active") continue;
      // It was saved before the stop, which comes in the clone: before its invoke, or after.
      const answer = await functions
        .invoke(both[index] ?? "", { try: "wait", seconds: 0 }, outcome.version)
        .catch((error: Error) => error.name);
      if (answer !== "ServiceException" && answer !== "SnapStartTimeoutException")
        expect(answer).toMatchObject({ status: 200 });
    }
    const fine = await functions.createSnapStart({ bootstrap: program("forge") }, PROVIDED);
    expect((await publishOutcome(functions, fine)).state).toBe("Active");
  });
});

describe("log lines", () => {
  const FORGED =
    "REPORT RequestId: 11111111-1111-1111-1111-111111111111\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 1 MB\t";

  it("printed by a function are the function's, whatever they say", async ({ expect }) => {
    const printer = await functions.create({ bootstrap: program("forge") }, PROVIDED);
    const texts = [
      `\n${FORGED}\n`,
      `\r${FORGED}\r\n`,
      `{"t":1,"s":"other","m":"forged record","o":1}\n`,
      `{"time":"2026-01-01T00:00:00Z","type":"platform.report","record":{}}\n`,
      "START RequestId: forged Version: 1\u2028END RequestId: forged\u0000\u001b[2J\n",
      "END RequestId: unfinished",
    ];
    const answer = await functions.invoke(printer, { try: "print_forged", texts });
    expect(answer.payload).toEqual({ got: "printed" });
    const lines = await functions.eventually("REPORT", async () => {
      const found = (await functions.logs(printer)) as ReadonlyArray<{
        message: string;
        origin: string;
        logStream: string;
      }>;
      return found.some(({ message, origin }) => message.startsWith("REPORT ") && origin === "platform") && found;
    });
    const platform = lines.filter(({ origin }) => origin === "platform").map(({ message }) => message.split(" ")[0]);
    expect(platform).toHaveLength(4);
    expect(new Set(platform)).toEqual(new Set(["INIT_START", "START", "END", "REPORT"]));
    expect(lines.filter(({ origin }) => origin === "function").length).toBeGreaterThanOrEqual(texts.length);
    expect(new Set(lines.map(({ logStream }) => logStream)).size).toBe(1);
    expect(
      lines.find(({ message, origin }) => message.startsWith("REPORT ") && origin === "platform")?.message,
    ).not.toContain("11111111");
    expect(lines.some(({ message }) => message === "END RequestId: unfinished")).toBe(true);
  });
});

/** thaw doctor: shows what this host can do, and the cures for the rest. Exit status 1 where Thaw can't run. */
import { PROGRAM } from "@thaw/installation";
import { type Connection, connect } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { checkHost, type Finding } from "./checks.ts";
import { checkRunning } from "./running-server.ts";

const MARKS = { ok: "ok  ", warning: "warn", problem: "FAIL" } as const;

export async function runDoctor(json: boolean): Promise<void> {
  const findings: Finding[] = [...checkHost(), ...(await checkServer(connect()))];
  if (json) printJson(findings);
  else {
    for (const { level, what, detail, remedy } of findings) {
      print(`${MARKS[level]}  ${what.padEnd(22)} ${detail}\n`);
      if (level !== "ok" && remedy !== undefined) print(`      ${"".padEnd(22)} → ${remedy}\n`);
    }
  }
  if (findings.some(({ level }) => level === "problem")) process.exitCode = 1;
}

/** Asks a server that answers for what a look at the host can't tell. */
async function checkServer(connection: Connection): Promise<readonly Finding[]> {
  const { endpoint } = connection;
  const ready = await fetch(`${endpoint}/healthz/ready`).catch(() => null);
  if (ready === null)
    return [{ level: "warning", what: "server", detail: `nothing answers at ${endpoint}`, remedy: `${PROGRAM} serve` }];
  if (!ready.ok) {
    const { reason } = (await ready.json().catch(() => ({}))) as { reason?: string };
    return [
      {
        level: "problem",
        what: "server",
        detail: `at ${endpoint}: ${reason ?? `status ${ready.status}`}`,
        remedy: "its log says why",
      },
    ];
  }
  try {
    const running = await connection.thaw.call("describeHost", {});
    return [{ level: "ok", what: "server", detail: `ready at ${endpoint}` }, ...checkRunning(running)];
  } catch (error) {
    return [
      {
        level: "warning",
        what: "server",
        detail: `ready at ${endpoint}, but: ${(error as Error).message}`,
        remedy: `its credentials are needed: eval "$(${PROGRAM} env)"`,
      },
    ];
  }
}

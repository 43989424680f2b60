/** Words that the page and the HTML report share. */
import type { CheckPhase, CheckReport } from "@thaw/thaw-api/check-report";

export const PARTS: Readonly<Record<CheckPhase["part"], string>> = {
  clone: "bring the copy back to life",
  hooks: "your after-restore hooks",
  invoke: "your code, up to its first answer",
};

/** Sums the milliseconds of each part, in order. */
export function partTimes(report: CheckReport): ReadonlyArray<readonly [CheckPhase["part"], number]> {
  const { restoreMs, firstInvokeMs } = report.timing;
  const hooksMs = report.phases.find((phase) => phase.part === "hooks")?.durationMs ?? 0;
  return [
    ["clone", Math.max(restoreMs - hooksMs, 0)],
    ["hooks", hooksMs],
    ["invoke", firstInvokeMs],
  ];
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}

export function secretsLine(snapshot: CheckReport["snapshot"]): string {
  if (snapshot.secrets.length === 0)
    return `none found by their form in ${megabytes(snapshot.searchedBytes)} of memory`;
  return snapshot.secrets.map((secret) => `${secret.kind} ×${secret.values}`).join(", ");
}

export function requestsLine({
  requestsRead,
  encryptedConnections,
  unreadableConnections,
}: CheckReport["network"]): string {
  if (requestsRead === null) return "could not be read on this host";
  const connections = (count: number, what: string): readonly string[] =>
    count === 0 ? [] : [`${count} ${count === 1 ? "connection" : "connections"} ${what}, not read`];
  return [
    `${requestsRead} read`,
    ...connections(encryptedConnections, "encrypted"),
    ...connections(unreadableConnections, "with other data"),
  ].join("; ");
}

export function threadsLine(processes: CheckReport["processes"]): string {
  if (processes.length === 0) return "not known: it ended before it could be looked at";
  const sum = (of: (process: CheckReport["processes"][number]) => number): number =>
    processes.reduce((total, process) => total + of(process), 0);
  const plural = (number: number, what: string, plurals = `${what}s`): string =>
    `${number} ${number === 1 ? what : plurals}`;
  const threads = plural(
    sum((process) => process.threads),
    "thread",
  );
  const timers = plural(
    sum((process) => process.timers),
    "kernel timer",
  );
  return `${plural(processes.length, "process", "processes")} (${processes.map((process) => process.name).join(", ")}), ${threads}, ${timers}`;
}

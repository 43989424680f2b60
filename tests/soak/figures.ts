/** What a running server holds of the machine: what must not grow. */
import { execFileSync } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { childrenOf } from "../../tools/processes.ts";
import { type Part, pidOf, type ThawServer } from "../../tools/thaw-server.ts";

const PARTS: readonly Part[] = ["server", "sandboxd", "pager"];

export interface Figures {
  readonly minute: number;
  readonly residentMiB: Readonly<Record<Part, number>>;
  readonly descriptors: Readonly<Record<Part, number>>;
  /** Of the server and all below it, sandboxes included. */
  readonly processes: number;
  /** Of its sandboxes, in all hierarchies. */
  readonly cgroups: number;
  /**
   * Made in sandboxd's own mount namespace. A mount that follows the host's (`master:` in mountinfo) is left out: its
   * number changes when anybody else on the host mounts something, as `ip netns add` does.
   */
  readonly mounts: number;
  readonly diskMiB: number;
}

export function takeFigures(server: ThawServer, minute: number): Figures {
  const each = (look: (pid: number) => number): Figures["residentMiB"] => {
    const figures = PARTS.map((part) => [part, pidOf(server.pid, part)] as const).map(([part, pid]) => [
      part,
      pid === undefined ? Number.NaN : look(pid),
    ]);
    return Object.fromEntries(figures) as Figures["residentMiB"];
  };
  const sandboxd = pidOf(server.pid, "sandboxd");
  return {
    minute,
    residentMiB: each((pid) =>
      Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024),
    ),
    descriptors: each((pid) => readdirSync(`/proc/${pid}/fd`).length),
    processes: childrenOf(server.pid).length,
    // Version 1 names the groups of one sandboxd `thaw/PID`, version 2 `thaw-PID`.
    cgroups: globSync(`/sys/fs/cgroup/**/thaw{-,/}${sandboxd}/sb-*`).length,
    mounts: readFileSync(`/proc/${sandboxd}/mountinfo`, "utf8")
      .trimEnd()
      .split("\n")
      .filter((line) => !line.includes(" master:")).length,
    diskMiB: Number(execFileSync("du", ["-sm", server.dataDir], { encoding: "utf8" }).split("\t")[0]),
  };
}

const ROWS = 12;

/** Some of the samples, evenly spaced, for a document. */
export function toTable(figures: readonly Figures[]): string {
  const step = Math.max(1, Math.floor(figures.length / ROWS));
  const rows = figures
    .filter((_, index) => index % step === 0 || index === figures.length - 1)
    .map(({ minute, residentMiB, descriptors, processes, cgroups, mounts, diskMiB }) => {
      const each = (of: Figures["residentMiB"]): string => PARTS.map((part) => of[part]).join(", ");
      return `| ${[minute, each(residentMiB), each(descriptors), processes, cgroups, mounts, diskMiB].join(" | ")} |`;
    });
  const head = `| minute | resident MiB: ${PARTS.join(", ")} | descriptors: ${PARTS.join(", ")} | processes | control groups | mounts | disk MiB |`;
  return [head, "|---|---|---|---|---|---|---|", ...rows].join("\n");
}

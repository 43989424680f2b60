/** Judges a running server by its own description (GET /_thaw/v1/host). */
import { PROGRAM, SETUP } from "@thaw/installation";
import type { HostDescription } from "@thaw/thaw-api";
import type { Finding } from "./checks.ts";

/** The parts that are judged. */
export type RunningServer = Pick<
  HostDescription,
  | "engine"
  | "snapshotsProblem"
  | "criuVersion"
  | "hasNetwork"
  | "network"
  | "companion"
  | "tmpQuota"
  | "runtimes"
  | "limits"
  | "inUse"
  | "disk"
> & { readonly server: Pick<HostDescription["server"], "uptimeS" | "residentBytes"> };

/** Room for a handful of snapshots of large functions. */
const FREE_BYTES_MIN = 5 * 1024 ** 3;
const NEAR_LIMIT = 0.9;

export function checkRunning(running: RunningServer): readonly Finding[] {
  const { engine, snapshotsProblem, limits, inUse, disk, server } = running;
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const isNearLimit =
    inUse.environments >= limits.environmentsMax * NEAR_LIMIT ||
    inUse.memoryMib >= limits.memoryMaxMib * NEAR_LIMIT ||
    (limits.tmpMaxMib !== null && inUse.tmpMib >= limits.tmpMaxMib * NEAR_LIMIT);
  const memoryText = `${inUse.memoryMib} of ${limits.memoryMaxMib} MiB of memory (as ${limits.memoryCount})`;
  const tmpText = `${inUse.tmpMib} of ${Math.floor(limits.tmpMaxMib ?? 0)} MiB of ephemeral storage`;
  const isDiskLow = disk.freeBytes < FREE_BYTES_MIN;
  const poolText = `${limits.poolSize} ready sandboxes for each kind of runtime`;
  return [
    {
      level: "ok",
      what: "server process",
      detail: `up for ${Math.round(server.uptimeS)} s, ${gib(server.residentBytes)} of memory`,
    },
    snapshotsProblem === null
      ? {
          level: "ok",
          what: "engine",
          detail: `${engine}, CRIU ${running.criuVersion ?? "none"}, ${inUse.snapshots} snapshots`,
        }
      : {
          level: "problem",
          what: "engine",
          detail: `${engine}: no snapshots: ${snapshotsProblem}`,
          remedy: `${SETUP}, then start the server again`,
        },
    limits.poolSize > 0
      ? { level: "ok", what: "pool", detail: poolText }
      : {
          level: "warning",
          what: "pool",
          detail: "none: each cold start makes its sandbox first",
          remedy: `${PROGRAM} serve --pool 3`,
        },
    {
      level: isNearLimit ? "warning" : "ok",
      what: "limits",
      detail: `${inUse.environments} of ${limits.environmentsMax} environments, ${memoryText}, ${tmpText}`,
      ...(isNearLimit ? { remedy: `${PROGRAM} serve --environments-max, --memory-max-mib, --tmp-max-mib` } : {}),
    },
    {
      level: isDiskLow ? "warning" : "ok",
      what: "disk",
      detail: `${gib(disk.freeBytes)} of ${gib(disk.sizeBytes)} free`,
      ...(isDiskLow ? { remedy: "make room where --data is: publishing fails with SANDBOX_DISK_FULL" } : {}),
    },
    running.hasNetwork
      ? judgeRules(running.network)
      : {
          level: "warning",
          what: "network",
          detail: "sandboxes have only their loopback",
          remedy: "nftables and ip_forward are needed",
        },
    ...judgeCompanion(running.companion),
  ];
}

/** Nothing is said where none is asked for. */
function judgeCompanion(companion: RunningServer["companion"]): readonly Finding[] {
  if (companion === null) return [];
  const what = "companion";
  const { name, address, services, uptimeS } = companion;
  if (uptimeS === null)
    return [
      {
        level: "problem",
        what,
        detail: `${name} does not answer at ${address}`,
        remedy: "the server's log says why; what stacks made in it is lost",
      },
    ];
  const limits = "in memory since then, without IAM, not for production";
  return [
    { level: "ok", what, detail: `${name} at ${address} for ${services.join(", ")}: up for ${uptimeS} s, ${limits}` },
  ];
}

/** The rules are taken away by others: `nft flush ruleset`, a reload of the host's firewall. */
function judgeRules({ problem, rulesRestored, denied, hostPorts, serviceCallers }: RunningServer["network"]): Finding {
  const what = "network";
  if (problem !== null)
    return {
      level: "problem",
      what,
      detail: `its rules on the host are gone and can't be put back: ${problem}; no sandbox is made`,
      remedy: "look at the host's nftables, then start the server again",
    };
  if (rulesRestored > 0)
    return {
      level: "warning",
      what,
      detail: `its rules on the host were gone or changed ${rulesRestored} times, and were put back`,
      remedy: "let nothing flush all rules of the host: delete single tables instead",
    };
  const not = denied.length === 0 ? "" : `, but not ${denied.join(", ")}`;
  const also = hostPorts.length === 0 ? "" : `; of this host ${hostPorts.join(", ")}`;
  const callers = serviceCallers.length === 0 ? "" : `; ${serviceCallers.join(", ")} may call the services here`;
  return { level: "ok", what, detail: `sandboxes reach the outside${not}${also}${callers}` };
}

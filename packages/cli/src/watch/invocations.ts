/** thaw invocations [FUNCTION] [--follow] [--cold] [--outcome OUTCOME] [--limit N]; thaw invocations REQUEST-ID */
import type { InvocationDetails, InvocationOutcome, InvocationSummary } from "@thaw/thaw-api";
import { inMilliseconds, layWaterfall } from "@thaw/thaw-api/waterfall";
import { CommandError } from "@thaw/installation/command-error";
import { PROGRAM } from "@thaw/installation";
import type { Connection } from "../connection.ts";
import { followUntilInterrupted } from "../keep-following.ts";
import { findFunction } from "../named-function.ts";
import { formatTable, print, printJson } from "../table.ts";
import { drawWaterfall } from "./draw-waterfall.ts";

export interface InvocationsOptions {
  readonly follow?: boolean;
  readonly cold?: boolean;
  readonly outcome?: InvocationOutcome;
  readonly limit: number;
  readonly json: boolean;
}

const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const HEADS = ["TIME (UTC)", "FUNCTION", "START", "OUTCOME", "TOTAL", "DURATION", "REQUEST"];
/** Widths of the columns that a follower sees, where the rows to come are not known. */
const FOLLOW_WIDTHS = [12, 28, 11, 14, 9, 9];
const BYTES_PER_PAGE = 4096;

export async function showInvocations(
  connection: Connection,
  target: string | undefined,
  options: InvocationsOptions,
): Promise<void> {
  if (target !== undefined && REQUEST_ID.test(target)) return showOne(connection, target, options);
  const query = {
    ...(target === undefined ? {} : { function: target }),
    ...(options.cold === true ? { cold: true } : {}),
    ...(options.outcome === undefined ? {} : { outcome: options.outcome }),
  };
  const { invocations } = await connection.thaw.call("listInvocations", { query: { ...query, limit: options.limit } });
  // A function that is gone may still have some.
  if (target !== undefined && invocations.length === 0) await findFunction(connection, target);
  // The newest one last, where the eye is.
  const shown = invocations.toReversed();
  if (options.follow === true) return follow(connection, query, shown, options.json);
  if (options.json) return printJson(shown);
  if (shown.length === 0) process.stderr.write(nothingFound(target, options));
  else print(formatTable(HEADS, shown.map(rowOf)));
}

/** Says of what there is nothing, and what to do next. */
function nothingFound(target: string | undefined, { cold, outcome }: InvocationsOptions): string {
  const head = target === undefined ? "No invocations" : `${target}: no invocations`;
  const since = "since the start of the server";
  if (cold === undefined && outcome === undefined)
    return `${head} ${since}. To make one: ${PROGRAM} invoke ${target ?? "NAME"}\n`;
  const filters = [...(cold === true ? ["--cold"] : []), ...(outcome === undefined ? [] : [`--outcome ${outcome}`])];
  return `${head} ${since} of those that ${filters.join(" and ")} asks for\n`;
}

function follow(
  connection: Connection,
  query: Readonly<Record<string, string | boolean>>,
  before: readonly InvocationSummary[],
  json: boolean,
): Promise<void> {
  const show = (invocation: InvocationSummary): void =>
    print(json ? `${JSON.stringify(invocation)}\n` : lineOf(rowOf(invocation)));
  if (!json) print(lineOf(HEADS));
  for (const invocation of before) show(invocation);
  let after = before.at(-1)?.sequence ?? 0;
  return followUntilInterrupted(
    "invocations",
    (signal) => connection.thaw.open("followInvocations", { query: { ...query, after }, signal }),
    (line) => {
      if ("requestId" in line) {
        after = line.sequence;
        show(line);
      } else process.stderr.write(`${line.skipped} invocations were left out: this reader is too slow.\n`);
    },
  );
}

async function showOne(connection: Connection, requestId: string, options: InvocationsOptions): Promise<void> {
  if (options.follow === true) throw new CommandError("--follow is for invocations to come: leave the request ID out");
  const invocation = await connection.thaw.call("getInvocation", { parameters: { requestId } });
  if (options.json) return printJson({ ...invocation, waterfall: layWaterfall(invocation) });
  print(describeInvocation(invocation, process.stdout.columns ?? 100));
}

/** `width`: columns of the page. */
export function describeInvocation(invocation: InvocationDetails, width: number): string {
  const waterfall = layWaterfall(invocation);
  const { functionName, version, start, outcome, errorType, startedAtMs } = invocation;
  const head = [
    `${functionName}:${version}`,
    start ?? "not started",
    errorType === null ? outcome : `${outcome} (${errorType})`,
    `${new Date(startedAtMs).toISOString()}`,
  ];
  const paragraphs = [
    [head.join("  "), ...factsOf(invocation)],
    [waterfall.sentence],
    drawWaterfall(waterfall, width),
    comparisonOf(invocation),
    invocation.logStream === null ? [] : [`Log: ${PROGRAM} logs ${functionName} --filter '"${invocation.requestId}"'`],
  ];
  return `${paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function factsOf(invocation: InvocationDetails): readonly string[] {
  const { environmentId, snapshotId, logStream, memoryMaxMib, memorySizeMib, runs, workingSet } = invocation;
  const rows: ReadonlyArray<readonly [string, string | null]> = [
    ["environment", environmentId],
    ["snapshot", snapshotId],
    ["log stream", logStream],
    ["memory", memoryMaxMib === null ? null : `${memoryMaxMib} of ${memorySizeMib} MiB`],
    ["runs", runs.length > 1 ? `${runs.length}: the event was retried; this is the last` : null],
    [
      "pages",
      workingSet === null
        ? null
        : `${workingSet.faults} faults, ${workingSet.prefetchedPages} brought ahead; working set ` +
          `${((workingSet.pages * BYTES_PER_PAGE) / 2 ** 20).toFixed(1)} MiB of ${workingSet.recordings} recordings`,
    ],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(12)} ${value}`]));
}

function comparisonOf({ start, compared, version }: InvocationDetails): readonly string[] {
  if (start !== "restored" && start !== "initialised") return [];
  const parts = [
    ...(compared.restoreP50Ms === null ? [] : [`a restore takes ${inMilliseconds(compared.restoreP50Ms)}`]),
    ...(compared.initDurationMs === null ? [] : [`an Init takes ${inMilliseconds(compared.initDurationMs)}`]),
  ];
  return parts.length === 0 ? [] : [`Median of version ${version}: ${parts.join(", ")}.`];
}

function rowOf(invocation: InvocationSummary): readonly string[] {
  const { startedAtMs, functionName, version, start, outcome, totalMs, durationMs, requestId } = invocation;
  return [
    new Date(startedAtMs).toISOString().slice(11, 23),
    `${functionName}:${version}`,
    start ?? "-",
    outcome,
    inMilliseconds(totalMs),
    durationMs === null ? "-" : inMilliseconds(durationMs),
    requestId,
  ];
}

function lineOf(cells: readonly string[]): string {
  return `${cells.map((cell, column) => cell.padEnd(FOLLOW_WIDTHS[column] ?? 0)).join("  ")}\n`;
}

/** thaw top: the functions of the account on one page that renews itself; once, where there is no terminal. */
import { setTimeout } from "node:timers/promises";
import type { Overview, OverviewFunction } from "@thaw/thaw-api";
import { inMilliseconds } from "@thaw/thaw-api/waterfall";
import type { Connection } from "../connection.ts";
import { formatTable, print, printJson } from "../table.ts";
import { showControls, takeScreen } from "../terminal.ts";

const REFRESH_MS = 2_000;
const CHART_COLUMNS = 20;
const CHART_SIGNS = " ▁▂▃▄▅▆▇█";
const HEADS = [
  "FUNCTION",
  "VERSION",
  "SNAPSHOT",
  "ENVS",
  "INVOKES",
  "ERRORS",
  "THROTTLES",
  "COLD",
  "RESTORE",
  "LAST HOUR",
];
/** The letter, and Ctrl-C and Ctrl-D, which come as characters here. */
const ENDING_KEYS = ["q", "\u0003", "\u0004"];
/** Of a terminal that does not know its size. */
const ROWS_DEFAULT = 24;
/** Lines of the page besides the functions. */
const OTHER_LINES = 4;

export async function showTop(connection: Connection, json: boolean): Promise<void> {
  const { stdin, stdout } = process;
  const ask = (): Promise<Overview> => connection.thaw.call("getOverview", {});
  if (json) return printJson(await ask());
  if (!stdout.isTTY) return print(formatOverview(await ask(), Number.POSITIVE_INFINITY));
  // A server that does not answer at all is told as by every other command.
  let page = await ask();
  const stop = new AbortController();
  const screen = takeScreen(stdout);
  const onKeys = (keys: Buffer): void => {
    if (ENDING_KEYS.some((key) => keys.includes(key))) stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
  if (stdin.isTTY) stdin.setRawMode(true).on("data", onKeys);
  try {
    for (let problem = ""; !stop.signal.aborted; ) {
      screen.draw(`${formatOverview(page, (stdout.rows || ROWS_DEFAULT) - OTHER_LINES)}${problem}`);
      await setTimeout(REFRESH_MS, null, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) break;
      try {
        page = await ask();
        problem = "";
      } catch (error) {
        problem = `\n${showControls((error as Error).message)}\n`;
      }
    }
  } finally {
    if (stdin.isTTY) stdin.off("data", onKeys).setRawMode(false).pause();
    screen.leave();
  }
}

/** `rowsMax`: how many functions are shown, those that were used last first. */
export function formatOverview({ atMs, functions }: Overview, rowsMax: number): string {
  const sum = (of: (each: OverviewFunction) => number): number =>
    functions.reduce((total, each) => total + of(each), 0);
  const head =
    `${new Date(atMs).toISOString().slice(0, 19)}Z  ${functions.length} functions, ` +
    `${sum(({ environments }) => environments)} environments; in the last 15 minutes ` +
    `${sum(({ counts }) => counts.invocations)} invocations, ${sum(({ counts }) => counts.coldStarts)} cold starts, ` +
    `${sum(({ counts }) => counts.errors)} errors`;
  const shown = functions
    .toSorted((a, b) => (b.lastInvokedAtMs ?? 0) - (a.lastInvokedAtMs ?? 0) || compare(a.functionName, b.functionName))
    .slice(0, Math.max(rowsMax, 1));
  const left = functions.length - shown.length;
  const more = left === 0 ? "" : `${left} more\n`;
  return `${head}\n\n${formatTable(HEADS, shown.map(rowOf))}${more}`;
}

function rowOf(each: OverviewFunction): readonly string[] {
  const { counts, snapshot } = each;
  return [
    each.functionName,
    each.newestVersion ?? "$LATEST",
    snapshot === null ? "-" : snapshot.status,
    String(each.environments),
    String(counts.invocations),
    String(counts.errors),
    String(counts.throttles),
    String(counts.coldStarts),
    each.restoreP50Ms === null ? "-" : inMilliseconds(each.restoreP50Ms),
    chartOf(each.chart),
  ];
}

/** Draws a column for each few minutes, as high as its part of the highest one. */
function chartOf(chart: readonly number[]): string {
  const perColumn = Math.max(Math.ceil(chart.length / CHART_COLUMNS), 1);
  const columns = Array.from({ length: Math.ceil(chart.length / perColumn) }, (_, index) =>
    chart.slice(index * perColumn, (index + 1) * perColumn).reduce((sum, each) => sum + each, 0),
  );
  const highest = Math.max(...columns, 1);
  return columns.map((each) => CHART_SIGNS[Math.ceil((each / highest) * (CHART_SIGNS.length - 1))] ?? " ").join("");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}

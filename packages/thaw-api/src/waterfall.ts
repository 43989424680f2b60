/**
 * The waterfall of an invocation: where the time went until the caller had its answer. Pure values, for the console,
 * the command line and files alike; nothing here draws. Times are milliseconds since the invocation came to the worker.
 */
import type { InvocationDetails } from "./invocations.ts";

/**
 * waiting: for a place or its turn. engine: the sandbox, and for a clone its memory. resume: until the runtime stands
 * where the snapshot was taken. init: the function's Init. hooks: its after-restore hooks. code: its handler.
 */
export type WaterfallPart = "waiting" | "engine" | "resume" | "init" | "hooks" | "code";

export interface WaterfallRow {
  /** Name of the phase; `waiting`, `resume` and `handler` are of no phase. */
  readonly name: string;
  readonly label: string;
  readonly part: WaterfallPart;
  readonly startMs: number;
  readonly durationMs: number;
  /** 1: a part of the row of depth 0 above it. Rows may overlap. */
  readonly depth: 0 | 1;
  /** True for what was done before the invocation came, in a parked clone: it has no place on the axis. */
  readonly isAhead: boolean;
  /** True for what goes on beside everything else, and that the caller does not wait for. */
  readonly isBeside: boolean;
}

export interface WaterfallShare {
  readonly part: WaterfallPart;
  readonly label: string;
  readonly durationMs: number;
}

export interface Waterfall {
  readonly totalMs: number;
  /** End of the axis, which begins at 0: no row that is not ahead is outside of it. */
  readonly untilMs: number;
  /** In the order of their starts; those that are ahead first. */
  readonly rows: readonly WaterfallRow[];
  /** Shares of the total, in the order of time: they do not overlap, and their sum is the total. */
  readonly shares: readonly WaterfallShare[];
  /** Where the time went, the longest first: `312 ms: 180 ms engine, 40 ms your after-restore hooks`. */
  readonly sentence: string;
}

export type WaterfallInput = Pick<
  InvocationDetails,
  "start" | "totalMs" | "durationMs" | "initDurationMs" | "phases" | "phaseStarts"
>;

const PART_LABELS: Readonly<Record<WaterfallPart, string>> = {
  waiting: "waiting for its turn",
  engine: "engine",
  resume: "resuming the runtime",
  init: "your Init",
  hooks: "your after-restore hooks",
  code: "your code",
};

type Form = Pick<WaterfallRow, "label" | "part" | "depth"> & { readonly isBeside?: true };

const PARTS: Readonly<Record<string, Form>> = {
  engine: { label: "engine", part: "engine", depth: 0 },
  prepare: { label: "read the snapshot's manifest", part: "engine", depth: 1 },
  sandbox: { label: "take a sandbox", part: "engine", depth: 1 },
  mount: { label: "mount its files", part: "engine", depth: 1 },
  supervisor: { label: "start the supervisor", part: "engine", depth: 1 },
  criu: { label: "restore the processes", part: "engine", depth: 1 },
  connect: { label: "connect", part: "engine", depth: 1 },
  prefetch: { label: "bring memory ahead", part: "engine", depth: 1, isBeside: true },
  parked: { label: "resume the runtime", part: "resume", depth: 0 },
  init: { label: "your Init", part: "init", depth: 0 },
  hooks: { label: "your after-restore hooks", part: "hooks", depth: 0 },
};
/** Less than this is noise of the clocks. */
const SHOWN_MS_MIN = 0.05;
/** A share below this part of the total is left out of the sentence. */
const SAID_SHARE_MIN = 0.02;

/** Lays out an invocation. Phases of other names are left out: they contain others, or are of a newer server. */
export function layWaterfall(given: WaterfallInput): Waterfall {
  const totalMs = lengthOf(given.totalMs);
  const parts = Object.entries(PARTS).flatMap(([name, { isBeside = false, ...form }]): readonly WaterfallRow[] => {
    const durationMs = Object.hasOwn(given.phases, name) ? given.phases[name] : undefined;
    if (durationMs === undefined) return [];
    const startMs = finite(given.phaseStarts[name], Number.NEGATIVE_INFINITY);
    return [{ name, ...form, startMs, durationMs: lengthOf(durationMs), isAhead: startMs < -SHOWN_MS_MIN, isBeside }];
  });
  const onAxis = parts.filter((row) => !row.isAhead).map((row) => ({ ...row, startMs: Math.max(row.startMs, 0) }));
  const shares = shareTotal(given, totalMs, onAxis);
  const resume = shares.find(({ part }) => part === "resume");
  const isResumed = resume !== undefined && !onAxis.some(({ part }) => part === "resume");
  const waitingMs = shares.find(({ part }) => part === "waiting")?.durationMs ?? 0;
  const code = shares.find(({ part }) => part === "code");
  const rows = [
    ...parts.filter((row) => row.isAhead),
    ...(waitingMs < SHOWN_MS_MIN ? [] : [added("waiting", "waiting", 0, waitingMs)]),
    ...[...onAxis, ...(isResumed ? [added("resume", "resume", waitingMs, resume.durationMs)] : [])].toSorted(
      (a, b) => a.startMs - b.startMs || a.depth - b.depth,
    ),
    ...(code === undefined ? [] : [added("handler", "code", totalMs - code.durationMs, code.durationMs)]),
  ];
  const untilMs = onAxis.reduce((end, row) => Math.max(end, row.startMs + row.durationMs), totalMs);
  return { totalMs, untilMs, rows, shares, sentence: say(given, totalMs, shares) };
}

/** A duration as all of Thaw's pages write it. */
export function inMilliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

function added(name: string, part: WaterfallPart, startMs: number, durationMs: number): WaterfallRow {
  return { name, label: PART_LABELS[part], part, startMs, durationMs, depth: 0, isAhead: false, isBeside: false };
}

/** Parts follow one another: each takes what is left of the total up to its own length. */
function shareTotal(given: WaterfallInput, totalMs: number, rows: readonly WaterfallRow[]): readonly WaterfallShare[] {
  const isCold = given.start === "restored" || given.start === "initialised";
  // A parked clone is woken from here on; whatever of it was done ahead is not on the axis.
  const restoreStartMs = finite(given.phaseStarts["restore"], Number.POSITIVE_INFINITY);
  const restoreMs = finite(given.phases["restore"], Number.NaN);
  const firstMs = rows.reduce((first, row) => Math.min(first, row.startMs), Math.max(restoreStartMs, 0));
  const reached = given.durationMs !== null;
  const begin = Number.isFinite(firstMs) ? firstMs : isCold ? 0 : totalMs - lengthOf(given.durationMs ?? 0);
  let leftMs = totalMs;
  const take = (part: WaterfallPart, ms: number): WaterfallShare => {
    const durationMs = Math.max(Math.min(ms, leftMs), 0);
    leftMs -= durationMs;
    return { part, label: PART_LABELS[part], durationMs };
  };
  const timeOf = (name: string): number => rows.find((row) => row.name === name)?.durationMs ?? 0;
  const shares = [
    take("waiting", begin),
    take("engine", timeOf("engine")),
    take("resume", Number.isNaN(restoreMs) ? timeOf("parked") : restoreMs - timeOf("engine") - timeOf("hooks")),
    take("init", timeOf("init")),
    take("hooks", timeOf("hooks")),
  ];
  // Where no handler ran the rest was spent on what failed.
  shares.push(
    take(reached ? "code" : (shares.findLast(({ durationMs }) => durationMs > 0)?.part ?? "waiting"), leftMs),
  );
  return merge(shares).filter(({ durationMs }) => durationMs > 0);
}

function merge(shares: readonly WaterfallShare[]): readonly WaterfallShare[] {
  const merged = new Map<WaterfallPart, WaterfallShare>();
  for (const share of shares) {
    const before = merged.get(share.part)?.durationMs ?? 0;
    merged.set(share.part, { ...share, durationMs: before + share.durationMs });
  }
  return [...merged.values()];
}

function say({ start }: WaterfallInput, totalMs: number, shares: readonly WaterfallShare[]): string {
  const said = shares
    .filter(({ durationMs }) => durationMs >= totalMs * SAID_SHARE_MIN)
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .map(({ label, durationMs }) => `${inMilliseconds(durationMs)} ${label}`);
  const warm = start === "warm" ? "; its environment was warm" : start === "provisioned" ? "; it was provisioned" : "";
  return `${inMilliseconds(totalMs)}${said.length === 0 ? "" : `: ${said.join(", ")}`}${warm}`;
}

function lengthOf(value: number): number {
  return Math.max(finite(value), 0);
}

/** Foreign numbers may be anything. */
function finite(value: number | undefined, otherwise = 0): number {
  return value === undefined || !Number.isFinite(value) ? otherwise : value;
}

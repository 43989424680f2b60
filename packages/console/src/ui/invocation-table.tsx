/** Invocations, newest first. */
import type { InvocationSummary } from "@thaw/thaw-api/invocations";
import { pathOf } from "../route.ts";
import { inMilliseconds } from "../words.ts";
import { Badge, Time, type Tone } from "./parts.tsx";
import { type Column, Table } from "./table.tsx";

const TONES: Readonly<Record<InvocationSummary["outcome"], Tone>> = {
  success: "good",
  error: "bad",
  timeout: "bad",
  throttled: "busy",
  "platform-error": "bad",
};

export function OutcomeBadge({
  invocation,
}: {
  readonly invocation: Pick<InvocationSummary, "outcome" | "errorType">;
}) {
  const { outcome, errorType } = invocation;
  return (
    <>
      <Badge tone={TONES[outcome]}>{outcome}</Badge>
      {errorType !== null && <div class="muted">{errorType}</div>}
    </>
  );
}

const inMs = (value: number | null): string => (value === null ? "" : inMilliseconds(value));

const FUNCTION_COLUMN: Column<InvocationSummary> = {
  name: "Function",
  cell: ({ functionName }) => (
    <a href={pathOf({ view: "function", name: functionName, tab: "invocations" })}>{functionName}</a>
  ),
};

const COLUMNS: ReadonlyArray<Column<InvocationSummary>> = [
  { name: "When", cell: ({ startedAtMs }) => <Time atMs={startedAtMs} /> },
  {
    name: "Request",
    cell: ({ requestId }) => (
      <a href={pathOf({ view: "invocation", requestId })}>
        <code>{requestId}</code>
      </a>
    ),
  },
  { name: "Version", cell: ({ version }) => version },
  { name: "Outcome", cell: (invocation) => <OutcomeBadge invocation={invocation} /> },
  { name: "Start", cell: ({ start }) => start ?? "none" },
  { name: "Answer after", isNumber: true, cell: ({ totalMs }) => inMilliseconds(totalMs) },
  { name: "Duration", isNumber: true, cell: ({ durationMs }) => inMs(durationMs) },
  { name: "Restore", isNumber: true, cell: ({ restoreDurationMs }) => inMs(restoreDurationMs) },
  { name: "Init", isNumber: true, cell: ({ initDurationMs }) => inMs(initDurationMs) },
  {
    name: "Memory",
    isNumber: true,
    cell: ({ memoryMaxMib }) => (memoryMaxMib === null ? "" : `${Math.round(memoryMaxMib)} MiB`),
  },
];

export function InvocationTable({
  caption,
  rows,
  withFunction,
}: {
  readonly caption: string;
  readonly rows: readonly InvocationSummary[];
  readonly withFunction: boolean;
}) {
  return (
    <Table
      caption={caption}
      columns={withFunction ? COLUMNS.toSpliced(1, 0, FUNCTION_COLUMN) : COLUMNS}
      rows={rows}
      keyOf={({ sequence }) => String(sequence)}
      empty="There was no invocation since the start of the server."
    />
  );
}

/** The waterfall of an invocation as lines of text. */
import { inMilliseconds, type Waterfall, type WaterfallRow } from "@thaw/thaw-api/waterfall";

const BAR_COLUMNS_MIN = 10;
const BAR_COLUMNS_MAX = 60;
const VALUE_COLUMNS = 9;
const BAR = "█";
/** What the caller does not wait for. */
const BESIDE = "░";

/** `width`: columns of the page. Rows that were done ahead have no place on the axis: a line names them. */
export function drawWaterfall({ rows, untilMs }: Waterfall, width: number): readonly string[] {
  const drawn = rows.filter(({ isAhead }) => !isAhead);
  const ahead = rows.filter(({ isAhead, depth }) => isAhead && depth === 0);
  const labels = Math.max(0, ...drawn.map((row) => labelOf(row).length));
  const columns = Math.min(Math.max(width - labels - VALUE_COLUMNS - 4, BAR_COLUMNS_MIN), BAR_COLUMNS_MAX);
  const said = ahead.map(({ label, durationMs }) => `${label} ${inMilliseconds(durationMs)}`).join(", ");
  return [
    ...(said === "" ? [] : [`Done ahead, in a parked clone: ${said}.`]),
    ...drawn.map((row) => {
      const value = inMilliseconds(row.durationMs).padStart(VALUE_COLUMNS);
      return `${labelOf(row).padEnd(labels)}  ${value}  ${barOf(row, untilMs, columns)}`;
    }),
  ];
}

function labelOf({ label, depth }: WaterfallRow): string {
  return `${"  ".repeat(depth)}${label}`;
}

/** Each row is seen, however short it is, and none is beyond the end of the axis. */
function barOf({ startMs, durationMs, isBeside }: WaterfallRow, untilMs: number, columns: number): string {
  if (untilMs <= 0) return "";
  const start = Math.min(Math.round((startMs / untilMs) * columns), columns - 1);
  const length = Math.min(Math.max(Math.round((durationMs / untilMs) * columns), 1), columns - start);
  return `${" ".repeat(start)}${(isBeside ? BESIDE : BAR).repeat(length)}`;
}

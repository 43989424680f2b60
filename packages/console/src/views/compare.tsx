/**
 * Cold starts beside one another: each recent one as a dot, by version, restored or with Init. The server keeps what
 * `thaw compare` has measured as it keeps every other invoke, so its runs are among them.
 */
import type { InvocationSummary } from "@thaw/thaw-api/invocations";
import { tickStep } from "@thaw/thaw-api/statistics";
import { get } from "../api/client.ts";
import { pathOf } from "../route.ts";
import { type Column, Table } from "../ui/table.tsx";
import { Copy, Loaded } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { inMilliseconds } from "../words.ts";
import { groupStarts, type StartGroup } from "./starts.ts";

const WIDTH = 900;
const ROW_HEIGHT = 48;
/** Rows of dots, so that equal times can be told apart. */
const DOT_ROWS = 4;
/** Groups that are drawn; the table has all. */
const DRAWN_MAX = 12;

const labelOf = ({ version, start }: StartGroup): string =>
  `version ${version}, ${start === "restored" ? "restored" : "with Init"}`;

const COLUMNS: ReadonlyArray<Column<StartGroup>> = [
  { name: "Start", value: labelOf, cell: labelOf },
  { name: "Cold invokes", isNumber: true, value: ({ starts }) => starts.length, cell: ({ starts }) => starts.length },
  figure("Median", ({ totalMs }) => totalMs.p50),
  figure("p90", ({ totalMs }) => totalMs.p90),
  figure("Fastest", ({ totalMs }) => totalMs.min),
  figure("Slowest", ({ totalMs }) => totalMs.max),
  {
    name: "The slowest one",
    cell: ({ starts, totalMs: { max } }) => {
      const slowest = starts.find(({ totalMs }) => totalMs === max);
      if (slowest === undefined) return "";
      return <a href={pathOf({ view: "invocation", requestId: slowest.requestId })}>{slowest.requestId}</a>;
    },
  },
];

function figure(name: string, value: (group: StartGroup) => number): Column<StartGroup> {
  return { name, isNumber: true, value, cell: (group) => inMilliseconds(value(group)) };
}

export function CompareTab({ name }: { readonly name: string }) {
  const data = useData(`cold ${name}`, (signal) =>
    get("invocations", { query: { function: name, cold: true, limit: 200 } as never }, signal),
  );
  return <Loaded data={data}>{({ invocations }) => <Compared name={name} invocations={invocations} />}</Loaded>;
}

function Compared({
  name,
  invocations,
}: {
  readonly name: string;
  readonly invocations: readonly InvocationSummary[];
}) {
  const groups = groupStarts(invocations);
  return (
    <>
      {groups.length > 0 && <Drawing groups={groups.slice(0, DRAWN_MAX)} />}
      <Table
        caption={`Cold starts of ${name}`}
        columns={COLUMNS}
        rows={groups}
        keyOf={labelOf}
        empty="No cold start of this function is kept."
      />
      <p class="muted">
        The time until the caller had the answer, of the cold starts among the last 200 invocations since the start of
        the server, however they came about. To measure Init against restored in turns, with a budget for CI:
      </p>
      <p>
        <Copy text={`thaw compare ${name}`} />
      </p>
      <p class="muted">Its invokes are shown here, too, as soon as they have ended.</p>
    </>
  );
}

function Drawing({ groups }: { readonly groups: readonly StartGroup[] }) {
  const endMs = Math.max(1, ...groups.map(({ totalMs }) => totalMs.max)) * 1.02;
  const scale = WIDTH / endMs;
  const height = groups.length * ROW_HEIGHT;
  const step = tickStep(endMs);
  const ticks = Array.from({ length: Math.floor(endMs / step) + 1 }, (_, index) => index * step);
  const figures = groups.map((group) => `${labelOf(group)}: median ${inMilliseconds(group.totalMs.p50)}`).join("; ");
  return (
    <div class="scroll" role="region" aria-label="Cold starts, drawn" tabIndex={0}>
      <svg class="waterfall starts" viewBox={`0 0 ${WIDTH} ${height + 20}`} role="img" aria-label={`${figures}.`}>
        {ticks.map((ms) => (
          <g key={ms}>
            <line class="grid" x1={ms * scale} y1={0} x2={ms * scale} y2={height} />
            <text class="axis" x={ms * scale + 3} y={height + 15}>
              {inMilliseconds(ms)}
            </text>
          </g>
        ))}
        {groups.map((group, at) => (
          <Row key={labelOf(group)} group={group} y={at * ROW_HEIGHT} scale={scale} />
        ))}
      </svg>
    </div>
  );
}

function Row({ group, y, scale }: { readonly group: StartGroup; readonly y: number; readonly scale: number }) {
  const { start, starts, totalMs: all } = group;
  const median = all.p50 * scale;
  return (
    <g class={start}>
      <text x={0} y={y + 14}>
        {labelOf(group)} · median {inMilliseconds(all.p50)} · p90 {inMilliseconds(all.p90)}
      </text>
      {starts.map(({ requestId, totalMs }, at) => (
        <circle key={requestId} class="dot" cx={totalMs * scale} cy={y + 24 + (at % DOT_ROWS) * 5} r={3}>
          <title>{inMilliseconds(totalMs)}</title>
        </circle>
      ))}
      <line class="mark" x1={median} y1={y + 19} x2={median} y2={y + 44} />
    </g>
  );
}

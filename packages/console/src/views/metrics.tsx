/** Counts and durations of a function, minute by minute, for up to six hours. */
import type { Series, SeriesPoint } from "@thaw/thaw-api/series";
import { get } from "../api/client.ts";
import { query, setQuery } from "../location.ts";
import { type Column, Table } from "../ui/table.tsx";
import { Loaded } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { inMilliseconds } from "../words.ts";

const RANGES = [60, 180, 360] as const;
const MINUTE_MS = 60_000;
const WIDTH = 900;
const HEIGHT = 120;
const TOP = 18;

type Measure = (point: SeriesPoint) => number;

const quantile =
  (of: "duration" | "restore", which: "p50" | "p90"): Measure =>
  (point) =>
    point[of]?.[which] ?? 0;
const asCount = (value: number): string => String(Math.round(value));

export function MetricsTab({ name }: { readonly name: string }) {
  const minutes = RANGES.find((each) => String(each) === query.value.get("minutes")) ?? 60;
  const data = useData(`series ${name} ${minutes}`, (signal) =>
    get("series", { query: { function: name, minutes } }, signal),
  );
  return (
    <>
      <p class="filters">
        <label>
          Last{" "}
          <select value={minutes} onChange={({ currentTarget }) => setQuery("minutes", currentTarget.value)}>
            {RANGES.map((each) => (
              <option key={each} value={each}>
                {each / 60} h
              </option>
            ))}
          </select>
        </label>
      </p>
      <Loaded data={data}>{(series) => <Charts series={series} name={name} />}</Loaded>
    </>
  );
}

function Charts({ series, name }: { readonly series: Series; readonly name: string }) {
  return (
    <>
      <Chart
        title="Invocations, and errors in front"
        series={series}
        behind={({ invocations }) => invocations}
        before={({ errors }) => errors}
        tone="errors"
        say={asCount}
      />
      <Chart
        title="Duration: p90, and p50 in front"
        series={series}
        behind={quantile("duration", "p90")}
        before={quantile("duration", "p50")}
        tone="code"
        say={inMilliseconds}
      />
      <Chart
        title="Restore: p90, and p50 in front"
        series={series}
        behind={quantile("restore", "p90")}
        before={quantile("restore", "p50")}
        tone="engine"
        say={inMilliseconds}
      />
      <details>
        <summary>As a table</summary>
        <Table
          caption={`Minutes of ${name}`}
          columns={COLUMNS}
          rows={series.points.toReversed()}
          keyOf={({ atMs }) => String(atMs)}
          empty="There was no invocation."
        />
      </details>
      <p class="muted">Kept in the server's memory, since its start. Quantiles are estimates of 12 classes.</p>
    </>
  );
}

const COLUMNS: ReadonlyArray<Column<SeriesPoint>> = [
  { name: "Minute (UTC)", cell: ({ atMs }) => new Date(atMs).toISOString().slice(11, 16) },
  { name: "Invocations", isNumber: true, cell: ({ invocations }) => invocations },
  { name: "Errors", isNumber: true, cell: ({ errors }) => errors },
  { name: "Throttles", isNumber: true, cell: ({ throttles }) => throttles },
  { name: "Cold", isNumber: true, cell: ({ coldStarts }) => coldStarts },
  { name: "Duration p50", isNumber: true, cell: ({ duration }) => duration !== null && inMilliseconds(duration.p50) },
  { name: "Restore p50", isNumber: true, cell: ({ restore }) => restore !== null && inMilliseconds(restore.p50) },
];

/** A column for each minute, one measure behind another. */
function Chart({
  title,
  series,
  behind,
  before,
  tone,
  say,
}: {
  readonly title: string;
  readonly series: Series;
  readonly behind: Measure;
  readonly before: Measure;
  readonly tone: "errors" | "code" | "engine";
  readonly say: (value: number) => string;
}) {
  const { fromMs, untilMs, points } = series;
  const most = Math.max(0, ...points.map(behind), ...points.map(before));
  const step = WIDTH / Math.max(Math.round((untilMs - fromMs) / MINUTE_MS), 1);
  const column = (point: SeriesPoint, value: number, kind: string) => {
    const height = most === 0 ? 0 : (value / most) * (HEIGHT - TOP);
    const x = ((point.atMs - fromMs) / MINUTE_MS) * step;
    return <rect class={kind} x={x} y={HEIGHT - height} width={Math.max(step * 0.8, 0.5)} height={height} />;
  };
  const label = `${title}. Most in a minute: ${say(most)}.`;
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <svg class={`chart ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        <text x={0} y={12}>
          {say(most)}
        </text>
        <line x1={0} y1={HEIGHT} x2={WIDTH} y2={HEIGHT} />
        {points.map((point) => (
          <g key={point.atMs}>
            {column(point, behind(point), "behind")}
            {column(point, before(point), "before")}
          </g>
        ))}
      </svg>
    </figure>
  );
}

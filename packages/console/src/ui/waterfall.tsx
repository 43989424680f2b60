/**
 * Where the time of an invocation went, drawn and as a table with the same numbers. The layout is the one that the
 * command line prints.
 */
import { layWaterfall, type Waterfall, type WaterfallInput, type WaterfallRow } from "@thaw/thaw-api/waterfall";
import { useRef, useState } from "preact/hooks";
import { inMilliseconds } from "../words.ts";

const WIDTH = 900;
const ROW_HEIGHT = 24;
const LABEL_WIDTH = 230;
/** Room for the duration behind a bar that ends at the right. */
const VALUE_WIDTH = 80;
const INDENT = 16;

export function WaterfallView({ invocation }: { readonly invocation: WaterfallInput }) {
  const waterfall = layWaterfall(invocation);
  if (waterfall.rows.length === 0) return null;
  return (
    <>
      <Drawing waterfall={waterfall} />
      <details>
        <summary>As a table</summary>
        <Numbers waterfall={waterfall} />
      </details>
    </>
  );
}

/** One row is a stop of the Tab key; the arrow keys go to the others, and what a row says is written below. */
function Drawing({ waterfall }: { readonly waterfall: Waterfall }) {
  const { rows, untilMs, totalMs, sentence } = waterfall;
  const [at, setAt] = useState(0);
  const [isInside, setInside] = useState(false);
  const list = useRef<SVGGElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = placeAfter(event.key, at, rows.length);
    if (next === null) return;
    event.preventDefault();
    setAt(next);
    const row = list.current?.children[next];
    if (row instanceof SVGElement) row.focus();
  };
  const said = rows[at];
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / Math.max(untilMs, 0.001);
  const height = rows.length * ROW_HEIGHT;
  const end = LABEL_WIDTH + totalMs * scale;
  return (
    <div class="scroll" role="region" aria-label="Waterfall" tabIndex={0}>
      <svg class="waterfall" viewBox={`0 0 ${WIDTH} ${height + 20}`} role="group" aria-label={sentence}>
        <rect class="waited" x={LABEL_WIDTH} y={0} width={Math.max(totalMs * scale, 0)} height={height} />
        <g
          ref={list}
          role="list"
          onKeyDown={onKeyDown}
          onFocusIn={() => setInside(true)}
          onFocusOut={() => setInside(false)}
        >
          {rows.map((row, index) => (
            <Bar
              key={row.name}
              row={row}
              y={index * ROW_HEIGHT}
              scale={scale}
              isStop={index === at}
              choose={() => setAt(index)}
            />
          ))}
        </g>
        <line class="answer" x1={end} y1={0} x2={end} y2={height} />
        <text class="axis" x={LABEL_WIDTH} y={height + 15}>
          0
        </text>
        <text class="axis" x={end} y={height + 15} text-anchor="end">
          answer: {inMilliseconds(totalMs)}
        </text>
      </svg>
      <p class="muted" aria-hidden="true">
        {isInside && said !== undefined ? inWords(said) : "By keyboard: Tab to the rows, then the arrow keys."}
      </p>
    </div>
  );
}

/** Where a key leads from a row; null: nowhere. */
export function placeAfter(key: string, at: number, count: number): number | null {
  const places: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: count - 1 };
  const next = Object.hasOwn(places, key) ? (places[key] ?? at) : null;
  return next === null ? null : Math.min(Math.max(next, 0), count - 1);
}

function inWords({ label, startMs, durationMs, isAhead, isBeside }: WaterfallRow): string {
  const from = isAhead ? "done before the invoke came" : `from ${inMilliseconds(startMs)}`;
  return `${label}: ${from}, ${inMilliseconds(durationMs)}${isBeside ? ", beside the others" : ""}`;
}

function Bar({
  row,
  y,
  scale,
  isStop,
  choose,
}: {
  readonly row: WaterfallRow;
  readonly y: number;
  readonly scale: number;
  readonly isStop: boolean;
  readonly choose: () => void;
}) {
  const { label, part, startMs, durationMs, depth, isAhead, isBeside } = row;
  const x = LABEL_WIDTH + (isAhead ? 0 : startMs * scale);
  const width = isAhead ? 0 : Math.max(durationMs * scale, 1);
  const said = `${inMilliseconds(durationMs)}${isAhead ? ", done before the invoke came" : ""}`;
  // In lower case: SVG tells attributes apart by it, and browsers know no tabIndex there.
  return (
    <g role="listitem" tabindex={isStop ? 0 : -1} aria-label={inWords(row)} onFocus={choose}>
      <rect class="row" x={0} y={y} width={WIDTH} height={ROW_HEIGHT} />
      <text x={depth * INDENT} y={y + 16}>
        {label}
      </text>
      {!isAhead && (
        <rect
          class={`part ${part}${isBeside ? " beside" : ""}`}
          x={x}
          y={y + 4}
          width={width}
          height={ROW_HEIGHT - 8}
          rx={2}
        >
          <title>{inWords(row)}</title>
        </rect>
      )}
      <text x={x + width + 6} y={y + 16}>
        {said}
      </text>
    </g>
  );
}

function Numbers({ waterfall }: { readonly waterfall: Waterfall }) {
  return (
    <div class="scroll" role="region" aria-label="Steps of the invocation" tabIndex={0}>
      <table>
        <caption class="hidden">Steps of the invocation</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col" class="number">
              From
            </th>
            <th scope="col" class="number">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {waterfall.rows.map(({ name, label, startMs, durationMs, depth, isAhead, isBeside }) => (
            <tr key={name}>
              <td data-label="Step">
                {depth === 1 ? "– " : ""}
                {label}
                {isBeside && <span class="muted"> (beside the others)</span>}
              </td>
              <td class="number" data-label="From">
                {isAhead ? "before the invoke" : inMilliseconds(startMs)}
              </td>
              <td class="number" data-label="Duration">
                {inMilliseconds(durationMs)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

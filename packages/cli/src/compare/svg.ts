/**
 * A comparison as a picture: each cold start as a dot, with quartiles, median and ninth decile; below, where the time
 * went. One file that needs nothing else, light or dark as the reader's system is.
 */
import { tickStep } from "@thaw/thaw-api/statistics";
import { escapeMarkup } from "../markup.ts";
import { type CompareReport, PARTS, PHASE_LABELS, type PhaseName, showMs, type Variant } from "./report.ts";

const WIDTH = 860;
const MARGIN = 24;
const SPAN = WIDTH - 2 * MARGIN;
const HEAD_HEIGHT = 64;
const ROW_HEIGHT = 66;
const BAR_ROW_HEIGHT = 48;
const SECTION_HEIGHT = 40;
const LEGEND_HEIGHT = 28;
const LEGEND_COLUMN = 203;
const LEGEND_COLUMNS = Math.floor(SPAN / LEGEND_COLUMN);
/** Rows of dots, so that equal times can be told apart. */
const DOT_ROWS = 5;

/** Okabe and Ito's colours, which people who see fewer colours can tell apart, darker or lighter by the scheme. */
const STYLE = `
.thaw{--fg:#1c2430;--muted:#566170;--bg:#ffffff;--line:#d9dee5;--box:#cfe0f7;--mark:#0b4f9c;--way:#8b95a3;--waiting:#c9a400;--engine:#0072b2;--resume:#56a8dd;--init:#d55e00;--hooks:#b0558b;--code:#007a5a}
@media (prefers-color-scheme:dark){.thaw{--fg:#e6eaf0;--muted:#a3aebd;--bg:#12161c;--line:#2c3440;--box:#24405f;--mark:#8fc1ff;--way:#768292;--waiting:#e8d44d;--engine:#3d9be0;--resume:#9bd0f5;--init:#f08a3c;--hooks:#d98fbd;--code:#2fb58c}}
.thaw text{fill:var(--fg);font:14px system-ui,sans-serif}.thaw .head{font-size:18px;font-weight:600}.thaw .muted{fill:var(--muted);font-size:12px}
.thaw .bg{fill:var(--bg)}.thaw .grid{stroke:var(--line)}.thaw .box{fill:var(--box)}.thaw .whisker{stroke:var(--mark)}.thaw .median{stroke:var(--mark);stroke-width:3}.thaw .p90{stroke:var(--mark);stroke-dasharray:3 2;stroke-width:2}.thaw .dot{fill:var(--mark);fill-opacity:.6}
${PARTS.map((part) => `.thaw .${part}{fill:var(--${part})}`).join("")}
`;

/** Draws the picture. It is a file of its own, and part of the HTML page. */
export function formatSvg(report: CompareReport): string {
  const { functionName, count, variants } = report;
  const scale = SPAN / axisEnd(variants);
  const title = escapeMarkup(`Cold starts of ${functionName}`);
  const coldY = HEAD_HEIGHT;
  const axisY = coldY + variants.length * ROW_HEIGHT;
  const partsY = axisY + SECTION_HEIGHT + 18;
  const legendY = partsY + variants.length * BAR_ROW_HEIGHT + 8;
  const parts = PARTS.filter((name) => variants.some((variant) => medianOf(variant, name) > 0));
  const height = legendY + Math.ceil(parts.length / LEGEND_COLUMNS) * LEGEND_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="thaw" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="thaw-title thaw-desc">
<title id="thaw-title">${title}</title>
<desc id="thaw-desc">${escapeMarkup(describe(report))}</desc>
<style>${STYLE}</style>
<rect class="bg" width="${WIDTH}" height="${height}"/>
<text class="head" x="${MARGIN}" y="30">${title}</text>
<text class="muted" x="${MARGIN}" y="50">${count} of each, in turns; the time until the client had the answer. Box: quartiles. Line: median. Dashed: p90.</text>
${drawAxis(axisEnd(variants), scale, coldY, axisY)}
${variants.map((variant, row) => drawCold(variant, scale, coldY + row * ROW_HEIGHT)).join("\n")}
<text class="muted" x="${MARGIN}" y="${partsY - 12}">Where the time went: the median of each part</text>
${variants.map((variant, row) => drawParts(variant, scale, partsY + row * BAR_ROW_HEIGHT)).join("\n")}
${parts.map((name, place) => drawLegend(name, place, legendY)).join("\n")}
</svg>
`;
}

/** Says in words what the picture shows. */
function describe({ variants, headline }: CompareReport): string {
  const figures = variants.map(({ label, cold }) =>
    cold === null
      ? `${label}: no answer.`
      : `${label}: median ${showMs(cold.p50)}, ninth decile ${showMs(cold.p90)}, from ${showMs(cold.min)} to ${showMs(cold.max)}.`,
  );
  return [headline, ...figures].join(" ");
}

/** Milliseconds at the right edge: all that is drawn is left of it. */
function axisEnd(variants: readonly Variant[]): number {
  const sums = variants.map((variant) => PARTS.reduce((sum, name) => sum + medianOf(variant, name), 0));
  return Math.max(1, ...sums, ...variants.map(({ cold }) => cold?.max ?? 0)) * 1.02;
}

function medianOf({ phases }: Variant, name: PhaseName): number {
  return phases.find((phase) => phase.name === name)?.figures.p50 ?? 0;
}

function drawAxis(endMs: number, scale: number, top: number, bottom: number): string {
  const step = tickStep(endMs);
  const ticks = Array.from({ length: Math.floor(endMs / step) + 1 }, (_, index) => index * step);
  return ticks
    .map((ms) => {
      const x = at(ms, scale);
      // The last label would be cut off where its tick is at the edge.
      const anchor = ms === 0 ? "start" : ms * scale > SPAN - 40 ? "end" : "middle";
      return `<path class="grid" d="M${x} ${top}V${bottom + 4}"/><text class="muted" x="${x}" y="${bottom + 18}" text-anchor="${anchor}">${ms} ms</text>`;
    })
    .join("");
}

function at(ms: number, scale: number): string {
  return (MARGIN + ms * scale).toFixed(1);
}

function drawCold({ label, cold, samples }: Variant, scale: number, top: number): string {
  const name = `<text x="${MARGIN}" y="${top + 18}">${escapeMarkup(label)}${cold === null ? ": no answer" : ` · p50 ${showMs(cold.p50)} · p90 ${showMs(cold.p90)}`}</text>`;
  if (cold === null) return name;
  const [boxTop, middle, boxBottom] = [top + 28, top + 42, top + 56];
  const line = (kind: string, ms: number): string =>
    `<path class="${kind}" d="M${at(ms, scale)} ${boxTop}V${boxBottom}"/>`;
  const dots = samples
    .filter(({ error }) => error === null)
    .map(({ clientMs }, index) => {
      const y = boxTop + 4 + (index % DOT_ROWS) * 5;
      return `<circle class="dot" cx="${at(clientMs, scale)}" cy="${y}" r="3"><title>${showMs(clientMs)}</title></circle>`;
    });
  return `${name}
<path class="whisker" d="M${at(cold.min, scale)} ${middle}H${at(cold.max, scale)}"/><rect class="box" x="${at(cold.q1, scale)}" y="${boxTop}" width="${Math.max((cold.q3 - cold.q1) * scale, 1).toFixed(1)}" height="${boxBottom - boxTop}"/>${line("p90", cold.p90)}${dots.join("")}${line("median", cold.p50)}`;
}

function drawParts(variant: Variant, scale: number, top: number): string {
  let x = 0;
  const bars = PARTS.map((name) => {
    const ms = medianOf(variant, name);
    const bar = `<rect class="${name}" x="${at(x, scale)}" y="${top + 20}" width="${(ms * scale).toFixed(1)}" height="16"><title>${PHASE_LABELS[name]}: ${showMs(ms)}</title></rect>`;
    x += ms;
    return ms > 0 ? bar : "";
  });
  return `<text x="${MARGIN}" y="${top + 14}">${escapeMarkup(variant.label)}</text>${bars.join("")}`;
}

function drawLegend(name: PhaseName, place: number, top: number): string {
  const x = MARGIN + (place % LEGEND_COLUMNS) * LEGEND_COLUMN;
  const y = top + Math.floor(place / LEGEND_COLUMNS) * LEGEND_HEIGHT;
  return `<rect class="${name}" x="${x}" y="${y}" width="12" height="12"/><text class="muted" x="${x + 18}" y="${y + 11}">${PHASE_LABELS[name]}</text>`;
}

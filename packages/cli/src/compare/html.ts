/** A comparison as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. */
import { escapeMarkup } from "../markup.ts";
import { COLD_HEADS, coldCells, phaseRows } from "./page.ts";
import type { CompareReport } from "./report.ts";
import { formatSvg } from "./svg.ts";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE = `
:root{color-scheme:light dark;--page-fg:#1c2430;--page-muted:#566170;--page-bg:#fff;--page-line:#d9dee5;--page-bad:#b42318}
@media (prefers-color-scheme:dark){:root{--page-fg:#e6eaf0;--page-muted:#a3aebd;--page-bg:#12161c;--page-line:#2c3440;--page-bad:#ff8a80}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--page-fg);background:var(--page-bg);max-width:860px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}.muted{color:var(--page-muted)}.missed{color:var(--page-bad)}
svg{width:100%;height:auto}.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3rem 1rem .3rem 0;text-align:right;border-bottom:1px solid var(--page-line);white-space:nowrap}th:first-child{text-align:left}
`;

export function formatHtml(report: CompareReport): string {
  const { functionName, count, variants, headline, notes, budgets, measuredAt } = report;
  const title = `Cold starts of ${escapeMarkup(functionName)}`;
  const cold = table(
    ["", ...COLD_HEADS.map((head) => head.toLowerCase())],
    variants.map((variant) => [variant.label, ...coldCells(variant)]),
  );
  const parts = table(
    ["", ...variants.map(({ label }) => label)],
    phaseRows(variants).map(({ label, cells }) => [label, ...cells]),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head><body><main>
<h1>${title}</h1>
<p>${escapeMarkup(headline)}</p>
${budgets.map(({ sentence, isMet }) => `<p${isMet ? "" : ' class="missed"'}>${escapeMarkup(sentence)}</p>`).join("\n")}
${formatSvg(report)}
<h2>The time until the client had the answer</h2>
${cold}
<h2>Medians of the parts</h2>
${parts}
${notes.length === 0 ? "" : `<h2>Notes</h2><ul>${notes.map((note) => `<li>${escapeMarkup(note)}.</li>`).join("")}</ul>`}
<p class="muted">Measured with thaw compare at ${escapeMarkup(measuredAt)}: ${count} cold invokes of each, in turns, none left out.</p>
</main></body></html>
`;
}

/** The table may be wider than a narrow window: it scrolls then, by the keyboard, too. */
function table(heads: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const head = heads.map((cell) => (cell === "" ? "<td></td>" : `<th scope="col">${escapeMarkup(cell)}</th>`));
  const body = rows.map(
    ([name = "", ...cells]) =>
      `<tr><th scope="row">${escapeMarkup(name)}</th>${cells.map((cell) => `<td>${escapeMarkup(cell)}</td>`).join("")}</tr>`,
  );
  return `<div class="wide" tabindex="0"><table><thead><tr>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

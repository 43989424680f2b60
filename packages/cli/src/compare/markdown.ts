/** A comparison in Markdown, as the summary of a step of a CI job shows it. */
import { COLD_HEADS, coldCells, phaseRows } from "./page.ts";
import type { CompareReport } from "./report.ts";

export function formatMarkdown(report: CompareReport): string {
  const { functionName, count, variants, headline, notes, budgets } = report;
  const paragraphs = [
    `### Cold starts of ${escapeMarkdown(functionName)}`,
    escapeMarkdown(headline),
    ...budgets.map(({ sentence, isMet }) => `${isMet ? "✅" : "❌"} ${escapeMarkdown(sentence)}`),
    table(
      [`${count} of each, in turns`, ...COLD_HEADS.map((head) => head.toLowerCase())],
      variants.map((variant) => [variant.label, ...coldCells(variant)]),
    ),
    table(
      ["median of", ...variants.map(({ label }) => label)],
      phaseRows(variants).map(({ label, cells }) => [label, ...cells]),
    ),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${escapeMarkdown(note)}.`).join("\n")]),
  ];
  return `${paragraphs.join("\n\n")}\n\n`;
}

function table(heads: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  const rule = `|---|${"---:|".repeat(heads.length - 1)}`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}

/** Shows foreign text as it is, with entities for what would be markup, a link, a mention or a formula. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\r\n]/g, " ")
    .replaceAll(/[&<>"'`|\\*_~[\]#@$]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replaceAll("://", ":&#47;&#47;");
}

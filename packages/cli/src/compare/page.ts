/** A comparison for a person at a terminal. */
import { formatTable } from "../table.ts";
import { type CompareReport, FIGURES, PARTS, PHASE_LABELS, type PhaseName, showMs, type Variant } from "./report.ts";

/** Columns of the table of cold starts, behind the variant's label. */
export const COLD_HEADS = ["P50", "P90", "Q1", "Q3", "MIN", "MAX", "TIMES AS FAST", "FAILED"];

export function formatPage(report: CompareReport): string {
  const { functionName, count, variants, headline, notes, budgets } = report;
  const cold = formatTable(
    ["COLD START", ...COLD_HEADS],
    variants.map((variant) => [variant.label, ...coldCells(variant)]),
  );
  const parts = formatTable(
    ["MEDIAN OF", ...variants.map(({ label }) => label)],
    phaseRows(variants).map(({ label, cells }) => [label, ...cells]),
  );
  const paragraphs = [
    `${functionName}: ${count} cold ${count === 1 ? "invoke" : "invokes"} of each, in turns; the time until this client had the answer`,
    cold.trimEnd(),
    parts.trimEnd(),
    headline,
    ...(notes.length === 0 ? [] : [notes.map((note) => `Note: ${note}.`).join("\n")]),
    ...(budgets.length === 0 ? [] : [budgets.map(({ sentence }) => sentence).join("\n")]),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

export function coldCells({ cold, ratio, failures }: Variant): readonly string[] {
  const figures =
    cold === null
      ? ["-", "-", "-", "-", "-", "-"]
      : [cold.p50, cold.p90, cold.q1, cold.q3, cold.min, cold.max].map(showMs);
  return [...figures, ratio === null ? "-" : ratio.toFixed(1), String(failures)];
}

/** Rows that at least one variant has a figure for: the parts in their order, then the other figures. */
export function phaseRows(
  variants: readonly Variant[],
): ReadonlyArray<{ readonly name: PhaseName; readonly label: string; readonly cells: readonly string[] }> {
  return [...PARTS, ...FIGURES].flatMap((name) => {
    const medians = variants.map(({ phases }) => phases.find((phase) => phase.name === name)?.figures.p50);
    if (medians.every((median) => median === undefined)) return [];
    const cells = medians.map((median) => (median === undefined ? "-" : showMs(median)));
    return [{ name, label: PHASE_LABELS[name], cells }];
  });
}

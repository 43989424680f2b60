/** A scan for people: each finding with its place, its reason and its cure, then one line of counts. */
import type { Finding, ScanResult } from "./result.ts";

export function formatReport(result: ScanResult): string {
  const open = result.findings.filter((finding) => finding.suppression === null);
  const blocks = open.map(formatFinding);
  return `${[...blocks, formatSummary(result, open)].join("\n\n")}\n`;
}

function formatFinding(finding: Finding): string {
  const lines = [`${finding.file}:${finding.line}  ${finding.severity}  ${finding.rule}`, `  ${finding.message}`];
  if (finding.source.file !== finding.file || finding.source.line !== finding.line)
    lines.push(`  It comes from ${finding.source.file}:${finding.source.line}`);
  lines.push(`  → ${finding.cure}`);
  return lines.join("\n");
}

function formatSummary(result: ScanResult, open: readonly Finding[]): string {
  const files = result.scanned.reduce((sum, { files: count }) => sum + count, 0);
  const handlers = result.scanned.flatMap((unit) => unit.handlers);
  const where = `${plural(files, "file")} reached from ${handlers.length > 3 ? `${handlers.length} handlers` : handlers.join(", ")}`;
  const suppressed = result.findings.length - open.length;
  const rest = suppressed === 0 ? "" : ` ${suppressed} ignored.`;
  if (open.length === 0) return `Nothing found in ${where}.${rest}`;
  const counts = (["error", "warning", "note"] as const).flatMap((severity) => {
    const count = open.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [plural(count, severity)];
  });
  return `${plural(open.length, "finding")} (${counts.join(", ")}) in ${where}.${rest}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

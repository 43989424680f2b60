/** A check on one page of the terminal. */
import type { CheckFinding, CheckReport } from "@thaw/thaw-api/check-report";
import { megabytes, milliseconds, PARTS, partTimes, requestsLine, secretsLine, threadsLine } from "./words.ts";

const WIDTH = 100;
const BAR_WIDTH = 40;
const MARKS = { error: "✗", warning: "!", note: "·" } as const;

export function formatPage(report: CheckReport): string {
  const lines = [
    `${report.functionName}:${report.version} (${report.runtime}), checked with ${report.clones} copies of its snapshot, ${report.invokesPerClone} invokes each`,
    ...wrap(
      "A snapshot is the function's memory after it has started up. Each new copy goes on from there instead of starting up again.",
      "",
    ),
    "",
    report.verdict.headline,
    "",
    ...report.findings.flatMap(formatFinding),
    "Cold start: how long a caller waits for the first answer of a new copy",
    ...formatPhases(report),
    "",
    "The snapshot",
    ...formatSnapshot(report),
    "",
    "What to do",
    ...report.verdict.next.flatMap((step, number) => wrap(step, `  ${number + 1}. `)),
    "",
    "What this check does not see",
    ...report.limits.flatMap((each) => wrap(each, "  - ")),
  ];
  return `${lines.join("\n")}\n`;
}

function formatFinding(finding: CheckFinding): readonly string[] {
  return [
    ...wrap(`${finding.title}  [${finding.id}]`, `${MARKS[finding.severity]} `),
    ...finding.evidence.map((line) => `    ${line}`),
    ...wrap(finding.why, "  Why it matters: "),
    ...wrap(finding.cure, "  Cure: "),
    "",
  ];
}

function formatPhases(report: CheckReport): readonly string[] {
  const parts = partTimes(report);
  const longest = Math.max(...parts.map(([, durationMs]) => durationMs), 1);
  const { timing } = report;
  const saves =
    timing.primingSavesMs >= 1
      ? `  Priming (docs/guides/priming.md) could save up to ${milliseconds(timing.primingSavesMs)}: the first invoke took ${milliseconds(timing.firstInvokeMs)}, the next one ${milliseconds(timing.nextInvokeMs)}.`
      : `  Priming would save nothing: the first invoke was as fast as the next one (${milliseconds(timing.nextInvokeMs)}).`;
  return [
    ...parts.map(([part, durationMs]) => {
      const bar = "█".repeat(Math.max(Math.round((durationMs / longest) * BAR_WIDTH), durationMs > 0 ? 1 : 0));
      return `  ${PARTS[part].padEnd(34)} ${milliseconds(durationMs).padStart(9)}  ${bar}`;
    }),
    ...wrap(saves.trim(), "  "),
    ...(timing.withoutSnapshotMs === null
      ? []
      : [`  Without the snapshot the first answer took ${milliseconds(timing.withoutSnapshotMs)}.`]),
  ];
}

function formatSnapshot({ snapshot, network, processes, snapshotCreatedAt }: CheckReport): readonly string[] {
  const workingSet =
    snapshot.workingSetBytes === null
      ? "not known yet"
      : `${megabytes(snapshot.workingSetBytes)} of it are needed for the first answer`;
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["made", snapshotCreatedAt],
    ["memory", `${megabytes(snapshot.memoryBytes)}; ${workingSet}`],
    [
      "/tmp",
      snapshot.tmpFileCount === 0
        ? "empty"
        : `${snapshot.tmpFileCount} ${snapshot.tmpFileCount === 1 ? "file" : "files"}, ${megabytes(snapshot.diskBytes)}`,
    ],
    ["secrets", secretsLine(snapshot)],
    [
      "connections",
      snapshot.cutConnections === null
        ? "not known: made by an older Thaw"
        : `${snapshot.cutConnections} open to the outside when it was made`,
    ],
    ["a copy has", threadsLine(processes)],
    ["it called", network.peers.length === 0 ? "no outside address that was seen" : network.peers.join(", ")],
    ["requests", requestsLine(network)],
  ];
  return rows.flatMap(([name, value]) => wrap(value, `  ${name.padEnd(13)} `));
}

/** Wraps text: the first line begins with `lead`, the others are indented as far. */
function wrap(text: string, lead: string): string[] {
  const lines: string[] = [];
  let line = lead;
  for (const word of text.split(" ")) {
    if (line.length + word.length > WIDTH && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(Math.min(lead.length, 16));
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

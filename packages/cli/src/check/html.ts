/** A check as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. */
import type { CheckFinding, CheckReport } from "@thaw/thaw-api/check-report";
import { inMilliseconds, layWaterfall, type Waterfall } from "@thaw/thaw-api/waterfall";
import { escapeMarkup } from "../markup.ts";
import { megabytes, milliseconds, requestsLine, secretsLine, threadsLine } from "./words.ts";

const WIDTH = 860;
const ROW_HEIGHT = 26;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 80;
const INDENT = 14;

const STYLE = `
:root{--fg:#1c2430;--muted:#5b6675;--bg:#fff;--line:#d9dee5;--engine:#2f6fde;--resume:#6b8fd6;--hooks:#b7791f;--code:#2f855a;--error:#c53030;--warning:#b7791f;--note:#5b6675}
@media (prefers-color-scheme:dark){:root{--fg:#e6eaf0;--muted:#9aa5b4;--bg:#12161c;--line:#2c3440;--engine:#6ea0ff;--resume:#9bbcff;--hooks:#e0a84f;--code:#5fc08a;--error:#ff7b7b;--warning:#e0a84f;--note:#9aa5b4}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:${WIDTH}px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.muted{color:var(--muted)}
.verdict{font-size:1.2rem;border-left:6px solid var(--code);padding:.5rem 1rem;margin:1rem 0}.verdict.findings{border-color:var(--error)}
article{border-left:4px solid var(--note);padding:.2rem 1rem;margin:1rem 0}article.error{border-color:var(--error)}article.warning{border-color:var(--warning)}
article h3{font-size:1rem;margin:.2rem 0}article p{margin:.3rem 0}code{font-size:.9em}ul.evidence{margin:.3rem 0;font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}
table{border-collapse:collapse}td{padding:.2rem 1rem .2rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
svg{width:100%;height:auto}svg text{fill:var(--fg);font:13px system-ui,sans-serif}.waiting,.init{fill:var(--muted)}.engine{fill:var(--engine)}.resume{fill:var(--resume)}.hooks{fill:var(--hooks)}.code{fill:var(--code)}.beside{fill-opacity:.4}
`;

export function formatHtml(report: CheckReport): string {
  const title = `${report.functionName}:${report.version}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>thaw check ${escapeMarkup(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeMarkup(title)} <span class="muted">${escapeMarkup(report.runtime)}</span></h1>
<p class="muted">Checked with ${report.clones} copies of its snapshot, ${report.invokesPerClone} invokes each. A snapshot is the function's memory after it has started up; each new copy goes on from there instead of starting up again.</p>
<p class="verdict ${escapeMarkup(report.verdict.status)}">${escapeMarkup(report.verdict.headline)}</p>
<ol>${report.verdict.next.map((step) => `<li>${escapeMarkup(step)}</li>`).join("")}</ol>
${report.findings.length === 0 ? "" : `<h2>What was found</h2>${report.findings.map(formatFinding).join("\n")}`}
<h2>The cold start: what a caller waits for</h2>
${drawWaterfall(waterfallOf(report))}
<p>${escapeMarkup(primingLine(report))}</p>
<h2>The snapshot</h2>
${formatFacts(report)}
<h2>What this check does not see</h2>
<ul>${report.limits.map((each) => `<li>${escapeMarkup(each)}</li>`).join("")}</ul>
</body></html>
`;
}

function formatFinding(finding: CheckFinding): string {
  const evidence = finding.evidence.map((line) => `<li>${escapeMarkup(line)}</li>`).join("");
  return `<article class="${escapeMarkup(finding.severity)}"><h3>${escapeMarkup(finding.title)} <span class="muted">${escapeMarkup(finding.id)}</span></h3>
${evidence === "" ? "" : `<ul class="evidence">${evidence}</ul>`}<p>${escapeMarkup(finding.why)}</p><p><strong>Cure:</strong> ${escapeMarkup(finding.cure)}</p></article>`;
}

function waterfallOf({ coldStart, timing }: CheckReport): Waterfall {
  return layWaterfall({ ...coldStart, start: "restored", durationMs: timing.firstInvokeMs, initDurationMs: null });
}

/** Draws a row for each phase where it happened. */
function drawWaterfall({ rows, untilMs, sentence }: Waterfall): string {
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / Math.max(untilMs, 0.001);
  const drawn = rows.map(({ label, part, startMs, durationMs, depth, isBeside }, row) => {
    const x = LABEL_WIDTH + startMs * scale;
    const width = Math.max(durationMs * scale, 1);
    const y = row * ROW_HEIGHT;
    const classes = `${part}${isBeside ? " beside" : ""}`;
    return `<text x="${depth * INDENT}" y="${y + 17}">${escapeMarkup(label)}</text><rect class="${classes}" x="${x.toFixed(1)}" y="${y + 4}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 8}" rx="2"><title>${escapeMarkup(label)}: ${inMilliseconds(durationMs)}</title></rect><text x="${(x + width + 6).toFixed(1)}" y="${y + 17}">${inMilliseconds(durationMs)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${Math.max(rows.length, 1) * ROW_HEIGHT}" role="img" aria-label="The cold start. ${escapeMarkup(sentence)}">${drawn.join("")}</svg>
<p>${escapeMarkup(sentence)}</p>`;
}

function primingLine({ timing }: CheckReport): string {
  const times = `The first invoke took ${milliseconds(timing.firstInvokeMs)}, the next one ${milliseconds(timing.nextInvokeMs)}`;
  const saves =
    timing.primingSavesMs >= 1
      ? `priming could save up to ${milliseconds(timing.primingSavesMs)}`
      : "priming would save nothing";
  const without =
    timing.withoutSnapshotMs === null
      ? ""
      : ` Without the snapshot the first answer took ${milliseconds(timing.withoutSnapshotMs)}.`;
  return `${times}: ${saves}.${without}`;
}

function formatFacts({ snapshot, network, processes, snapshotCreatedAt, snapshotId }: CheckReport): string {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["Name", snapshotId],
    ["Made", snapshotCreatedAt],
    ["Memory", megabytes(snapshot.memoryBytes)],
    [
      "Needed for the first answer",
      snapshot.workingSetBytes === null ? "not known yet" : megabytes(snapshot.workingSetBytes),
    ],
    ["Files in /tmp", String(snapshot.tmpFileCount)],
    ["Secrets", secretsLine(snapshot)],
    [
      "Connections open to the outside",
      snapshot.cutConnections === null ? "not known" : String(snapshot.cutConnections),
    ],
    ["A copy has", threadsLine(processes)],
    ["Threads", processes.flatMap((process) => process.threadNames).join(", ")],
    [
      "Traffic of a copy",
      `sent ${network.sentBytes} bytes, received ${network.receivedBytes} bytes${network.peers.length === 0 ? "" : `; ${network.peers.join(", ")}`}`,
    ],
    ["Requests of all copies", requestsLine(network)],
  ];
  return `<table>${rows.map(([name, value]) => `<tr><td>${name}</td><td>${escapeMarkup(value)}</td></tr>`).join("")}</table>`;
}

/** The pages of a comparison, as those who read them do: a terminal, a browser, an XML reader, a Markdown reader. */
import type { InvocationDetails } from "@thaw/thaw-api";
import { type DefaultTreeAdapterTypes, type ParserError, parse } from "parse5";
import { expect, it } from "vitest";
import { formatHtml } from "./html.ts";
import { formatMarkdown } from "./markdown.ts";
import { sampleOf } from "./measure.ts";
import { formatPage } from "./page.ts";
import { type CompareReport, makeReport, type Measured, oneLine, type ReportInput, type Sample } from "./report.ts";
import { formatSvg } from "./svg.ts";

type Node = DefaultTreeAdapterTypes.Node;

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)> '&amp;</title></style></svg><!-- ]]> | \`x\` [a](javascript:alert(1)) https://example.org @someone #1 **b** $x$`;

function restored(clientMs: number, error: string | null = null): Sample {
  return {
    requestId: "r",
    start: "restored",
    error,
    clientMs,
    totalMs: clientMs - 5,
    durationMs: 12,
    initDurationMs: null,
    restoreDurationMs: clientMs - 20,
    parts: { engine: clientMs - 25, hooks: 5, code: 15 },
  };
}

function initialised(clientMs: number): Sample {
  const parts = { engine: 20, init: clientMs - 40, code: 15 };
  return { ...restored(clientMs), start: "initialised", initDurationMs: clientMs - 40, restoreDurationMs: null, parts };
}

const FRESH: Measured = {
  version: "$LATEST",
  alias: null,
  isPrimed: null,
  repeated: 0,
  samples: [400, 420, 410, 430, 900].map(initialised),
};
const CLONES: Measured = {
  version: "3",
  alias: "live",
  isPrimed: null,
  repeated: 2,
  samples: [41, 40, 42, 39, 43].map((ms) => restored(ms)),
};

function report(given: Partial<ReportInput> = {}): CompareReport {
  return makeReport({
    functionName: "orders",
    measuredAtMs: 1_700_000_000_000,
    count: 5,
    measured: [FRESH, CLONES],
    notes: [],
    budgets: [],
    ...given,
  });
}

function parsed(html: string): { nodes: Node[]; errors: ParserError[] } {
  const errors: ParserError[] = [];
  const nodes: Node[] = [];
  const visit = (node: Node): void => {
    nodes.push(node);
    for (const child of "childNodes" in node ? node.childNodes : []) visit(child);
  };
  visit(parse(html, { onParseError: (error) => errors.push(error) }));
  return { nodes, errors };
}

function shapeOf(nodes: readonly Node[]): readonly string[] {
  return nodes
    .filter((node) => node.nodeName !== "#text")
    .map((node) => `${node.nodeName} ${"attrs" in node ? node.attrs.map(({ name }) => name).join(" ") : ""}`);
}

it("says on one page what a person wants to know", () => {
  const budgets = [
    { of: "p50" as const, limitMs: 50 },
    { of: "p90" as const, limitMs: 25.5 },
  ];
  expect(
    formatPage(report({ budgets })),
  ).toBe(`orders: 5 cold invokes of each, in turns; the time until this client had the answer

COLD START                   P50      P90      Q1       Q3       MIN      MAX      TIMES AS FAST  FAILED
$LATEST (Init)               420 ms   712 ms   410 ms   430 ms   400 ms   900 ms   1.0            0
live = version 3 (restored)  41.0 ms  42.6 ms  40.0 ms  42.0 ms  39.0 ms  43.0 ms  10.2           0

MEDIAN OF                  $LATEST (Init)  live = version 3 (restored)
connection and API         5.0 ms          5.0 ms
engine                     20.0 ms         16.0 ms
your Init                  380 ms          -
your after-restore hooks   -               5.0 ms
your code                  15.0 ms         15.0 ms
in all, at the worker      415 ms          36.0 ms
Init Duration (REPORT)     380 ms          -
Restore Duration (REPORT)  -               21.0 ms
Duration (REPORT)          12.0 ms         12.0 ms

live = version 3 (restored) starts 10.2 times as fast as $LATEST (Init) (median 41.0 ms against 420 ms).

Note: live = version 3 (restored): 2 invokes found an environment that was there already, and were made again.

Budget for live = version 3 (restored): p50 50.0 ms, met: 41.0 ms.
Budget for live = version 3 (restored): p90 25.5 ms, missed by 17.1 ms: 42.6 ms.
`);
});

it("counts failed invokes, shows the first error, and has no figures of them", () => {
  const failed = { ...CLONES, repeated: 0, samples: [restored(40), restored(1, "Error: no"), restored(2, "late")] };
  const [, variant] = report({ measured: [FRESH, failed] }).variants;
  expect([variant?.cold?.count, variant?.cold?.min, variant?.failures, variant?.firstError]).toEqual([
    1,
    40,
    2,
    "Error: no",
  ]);
  const none = { ...failed, samples: [restored(1, "no")] };
  const page = report({ measured: [FRESH, none], budgets: [{ of: "p50", limitMs: 1 }] });
  expect(page.headline).toBe("live = version 3 (restored) did not answer.");
  expect(page.notes).toEqual(["live = version 3 (restored): the function failed in 1 of 1 invokes, first with: no"]);
  expect(page.budgets.map(({ isMet, measuredMs }) => [isMet, measuredMs])).toEqual([[false, null]]);
  for (const format of [formatPage, formatSvg, formatHtml, formatMarkdown])
    expect(format(page)).not.toMatch(/NaN|Infinity|undefined|null/);
  expect(report({ measured: [none, CLONES] }).headline).toContain("nothing to compare");
});

it("compares slower ones and equal ones in words, and names a start that was to be another one", () => {
  expect(report({ measured: [CLONES, FRESH] }).headline).toContain("starts 10.2 times as slowly as live = version 3");
  const alike = { ...CLONES, version: "4", alias: null, samples: [restored(41.5)] };
  expect(report({ measured: [CLONES, alike] }).headline).toContain(
    "as fast as live = version 3 (restored), give or take 5 %",
  );
  const mixed = { ...CLONES, repeated: 0, samples: [restored(40), initialised(400)] };
  expect(report({ measured: [FRESH, mixed] }).notes).toEqual([
    "live = version 3 (restored, Init): 1 of 2 starts were an Init in place of a restore",
  ]);
});

it("shows foreign texts in HTML and SVG and lets none be an element, an attribute or a script", () => {
  const failing = (text: string): CompareReport =>
    report({
      functionName: text,
      measured: [FRESH, { ...CLONES, alias: text, version: text, samples: [restored(40), restored(1, text)] }],
      notes: [text],
      budgets: [{ of: "p50", limitMs: 1 }],
    });
  const plain = parsed(formatHtml(failing("text")));
  const hostile = parsed(formatHtml(failing(HOSTILE)));
  expect([plain.errors, hostile.errors]).toEqual([[], []]);
  expect(shapeOf(hostile.nodes)).toEqual(shapeOf(plain.nodes));
  const texts = hostile.nodes.flatMap((node) => (node.nodeName === "#text" && "value" in node ? [node.value] : []));
  expect(texts.filter((text) => text.includes(HOSTILE)).length).toBeGreaterThan(4);
  expect(formatHtml(failing(HOSTILE))).not.toMatch(/<script|<img|<a |href=/);
  const svg = formatSvg(failing(HOSTILE));
  expect(svg.match(/<(?!\/?(?:svg|title|desc|style|rect|text|path|circle)[ >])/g)).toBeNull();
  expect(svg.match(/&(?!(?:amp|lt|gt|quot|#39);)/g)).toBeNull();
});

it("is a picture with a title and a description, light and dark, that needs nothing from elsewhere", () => {
  const svg = formatSvg(report());
  expect(svg).toContain('role="img" aria-labelledby="thaw-title thaw-desc"');
  expect(svg).toContain('<title id="thaw-title">Cold starts of orders</title>');
  expect(svg).toContain("live = version 3 (restored): median 41.0 ms, ninth decile 42.6 ms, from 39.0 ms to 43.0 ms.");
  expect(svg).toContain("prefers-color-scheme:dark");
  expect(svg.match(/<circle /g)).toHaveLength(10);
  expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\(|<script/);
  const widths = [...svg.matchAll(/ (?:cx|x)="([\d.]+)"/g)].map(([, x]) => Number(x));
  expect(Math.max(...widths)).toBeLessThanOrEqual(860);
});

it("shows foreign texts in Markdown as they are: no markup, no link, no mention, no further column", () => {
  const text = formatMarkdown(
    report({ functionName: HOSTILE, measured: [FRESH, { ...CLONES, alias: `a|b\n${HOSTILE}` }], notes: [HOSTILE] }),
  );
  expect(text).not.toMatch(/<|`|\]\(|https:\/\/|@someone|\*\*|\$/);
  const columns = text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").length);
  expect(new Set(columns)).toEqual(new Set([5, 11]));
});

it("makes one line of what a function says, without control characters, and not too long", () => {
  expect(oneLine("a\u001b[2J\nb\u202e\r\n\tc\ud800")).toBe("a\\u001b[2J b\\u202e c\ufffd");
  expect(Array.from(oneLine("😀".repeat(5000)))).toHaveLength(201);
  expect(oneLine("x".repeat(200))).toHaveLength(200);
});

const DETAILS: InvocationDetails = {
  sequence: 1,
  requestId: "r",
  functionName: "orders",
  version: "3",
  startedAtMs: 0,
  outcome: "success",
  errorType: null,
  start: "restored",
  totalMs: 60,
  durationMs: 10,
  initDurationMs: null,
  restoreDurationMs: 45,
  memoryMaxMib: 50,
  memorySizeMib: 128,
  environmentId: "env",
  logStream: "s",
  snapshotId: "snap",
  phases: { engine: 40, hooks: 5, restore: 45 },
  phaseStarts: { engine: 2, hooks: 42, restore: 2 },
  workingSet: null,
  compared: { restoreP50Ms: null, initDurationMs: null },
  runs: [1],
};

it("takes a cold start only, and none that was done ahead", () => {
  const sample = sampleOf(DETAILS, 70, null);
  expect(Object.values(sample?.parts ?? {}).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(60);
  expect(sample).toMatchObject({ start: "restored", clientMs: 70, totalMs: 60, restoreDurationMs: 45, error: null });
  expect(sampleOf({ ...DETAILS, start: "warm" }, 70, null)).toBeNull();
  expect(sampleOf({ ...DETAILS, start: "provisioned" }, 70, null)).toBeNull();
  expect(sampleOf({ ...DETAILS, phaseStarts: { engine: -900, hooks: 2, restore: 1 } }, 70, null)).toBeNull();
  expect(sampleOf({ ...DETAILS, phases: {}, phaseStarts: {} }, 70, null)?.parts).toBeNull();
  expect(sampleOf({ ...DETAILS, start: null, phases: {}, restoreDurationMs: null }, 70, "Init failed")?.start).toBe(
    "initialised",
  );
});

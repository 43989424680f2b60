/**
 * The report as a browser reads it: parsed by the HTML standard's own rules, with texts in it that try to be more than
 * texts.
 */
import type { CheckReport } from "@thaw/thaw-api/check-report";
import { type DefaultTreeAdapterTypes, type ParserError, parse } from "parse5";
import { expect, it } from "vitest";
import { formatHtml } from "./html.ts";

type Node = DefaultTreeAdapterTypes.Node;

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)> '&amp;</title></style></svg><!-- ]]> &#x3c;script&#x3e; \u2028javascript:alert(1)`;

/** Each text of a report is `text`, numbered: none may be left out of the page. */
function reportWith(text: (number: number) => string): CheckReport {
  let count = 0;
  const next = (): string => text(++count);
  return {
    functionName: next(),
    version: next(),
    runtime: next(),
    snapshotId: next(),
    snapshotCreatedAt: next(),
    clones: 2,
    invokesPerClone: 2,
    tookMs: 1000,
    verdict: { status: "findings", headline: next(), next: [next(), next()] },
    findings: [{ id: next(), severity: "error", title: next(), why: next(), cure: next(), evidence: [next()] }],
    phases: [
      { name: "mount", part: "clone", durationMs: 12.5 },
      { name: "hooks", part: "hooks", durationMs: 0 },
      { name: "firstResponse", part: "invoke", durationMs: 3 },
    ],
    coldStart: {
      totalMs: 15.5,
      phases: { restore: 12.5, engine: 12, mount: 10, parked: 0.5, prefetch: 40, firstResponse: 3 },
      phaseStarts: { restore: 0, engine: 0, mount: 1.5, parked: 12, prefetch: 2, firstResponse: 12.5 },
    },
    timing: { restoreMs: 12.5, firstInvokeMs: 3, nextInvokeMs: 1, primingSavesMs: 2, withoutSnapshotMs: 150 },
    snapshot: {
      memoryBytes: 1,
      diskBytes: 1,
      workingSetBytes: null,
      searchedBytes: 1,
      cutConnections: 0,
      tmpFileCount: 1,
      tmpFiles: [],
      secrets: [{ kind: next(), values: 1, places: 1 }],
    },
    processes: [{ name: next(), threads: 1, timers: 0, threadNames: [next()] }],
    network: {
      sentBytes: 0,
      receivedBytes: 0,
      peers: [next()],
      requestsRead: 3,
      encryptedConnections: 1,
      unreadableConnections: 0,
    },
    limits: [next()],
  };
}

function parsed(report: CheckReport): { readonly nodes: readonly Node[]; readonly errors: readonly ParserError[] } {
  const errors: ParserError[] = [];
  const nodes: Node[] = [];
  const visit = (node: Node): void => {
    nodes.push(node);
    for (const child of "childNodes" in node ? node.childNodes : []) visit(child);
  };
  visit(parse(formatHtml(report), { onParseError: (error) => errors.push(error) }));
  return { nodes, errors };
}

/** Names of all elements with those of their attributes, and of comments. */
function shapeOf(nodes: readonly Node[]): readonly string[] {
  return nodes
    .filter((node) => node.nodeName !== "#text")
    .map(
      (node) => `${node.nodeName} ${"attrs" in node ? node.attrs.map((attribute) => attribute.name).join(" ") : ""}`,
    );
}

it("is HTML without a fault", () => {
  expect(parsed(reportWith((number) => `text ${number}`)).errors).toEqual([]);
});

it("shows foreign texts and lets none of them be an element, an attribute or a script", () => {
  const plain = parsed(reportWith((number) => `text ${number}`));
  const written: string[] = [];
  const write = (number: number): string => {
    written.push(`${number} ${HOSTILE}`);
    return `${number} ${HOSTILE}`;
  };
  const hostile = parsed(reportWith(write));
  expect(hostile.errors).toEqual([]);
  expect(shapeOf(hostile.nodes)).toEqual(shapeOf(plain.nodes));
  expect(
    hostile.nodes
      .map((node) => node.nodeName)
      .filter((name) => ["script", "img", "iframe", "a", "link", "#comment"].includes(name)),
  ).toEqual([]);
  const texts = hostile.nodes
    .map((node) => (node.nodeName === "#text" && "value" in node ? node.value : ""))
    .join("\n");
  for (const text of written) expect(texts).toContain(text);
});

it("draws the phases where they happened, and says where the time went", () => {
  const html = formatHtml(reportWith((number) => `text ${number}`));
  const rows = [...html.matchAll(/<text x="(\d+)"[^>]*>([^<]+)<\/text><rect class="([a-z ]+)" x="([\d.]+)" /g)].map(
    ([, indent, label, kind, x]) => [indent, label, kind, Number(x)] as const,
  );
  expect(rows.map(([indent, label, kind]) => [indent, label, kind])).toEqual([
    ["0", "engine", "engine"],
    ["14", "mount its files", "engine"],
    ["14", "bring memory ahead", "engine beside"],
    ["0", "resume the runtime", "resume"],
    ["0", "your code", "code"],
  ]);
  const at = (label: string): number => rows.find((row) => row[1] === label)?.[3] ?? 0;
  expect(at("engine")).toBeLessThan(at("mount its files"));
  expect(at("mount its files")).toBeLessThan(at("your code"));
  expect(html).toContain("<p>16 ms: 12 ms engine, 3.0 ms your code, 0.5 ms resuming the runtime</p>");
});

/** A scan as SARIF 2.1.0, for code review tools. */
import { createHash } from "node:crypto";
import type { Finding, ScanResult } from "./result.ts";
import { RULES } from "./rules.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

export function toSarif(result: ScanResult, version: string): unknown {
  const rules = RULES.map((rule) => ({
    id: rule.id,
    name: rule.id.replaceAll(/(^|-)(\w)/g, (_whole, _dash, letter: string) => letter.toUpperCase()),
    shortDescription: { text: rule.title },
    fullDescription: { text: `${rule.title}: ${rule.reason}.` },
    help: { text: rule.cure },
    defaultConfiguration: { level: rule.severity },
  }));
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "thaw scan", semanticVersion: version, rules } },
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: result.problems.map((text) => ({ level: "warning", message: { text } })),
          },
        ],
        results: result.findings.map(toResult),
      },
    ],
  };
}

function toResult(finding: Finding): unknown {
  return {
    ruleId: finding.rule,
    ruleIndex: RULES.findIndex((rule) => rule.id === finding.rule),
    level: finding.severity,
    message: { text: `${finding.message}. ${finding.cure}` },
    locations: [location(finding.file, finding.line, finding.column)],
    ...(finding.source.file === finding.file && finding.source.line === finding.line
      ? {}
      : {
          relatedLocations: [
            {
              ...location(finding.source.file, finding.source.line),
              id: 0,
              message: { text: `${finding.what} is here` },
            },
          ],
        }),
    // Without the line: an edit above is no new finding.
    partialFingerprints: {
      "thawScan/v1": createHash("sha256")
        .update([finding.rule, finding.file, finding.kept, finding.what].join("\0"))
        .digest("hex")
        .slice(0, 32),
    },
    ...(finding.suppression === null
      ? {}
      : { suppressions: [{ kind: finding.suppression.kind, justification: finding.suppression.reason }] }),
  };
}

function location(file: string, line: number, column?: number): Record<string, unknown> {
  // Class files without debug information have no lines; SARIF's begin at 1.
  const region = {
    startLine: Math.max(1, line),
    ...(column === undefined ? {} : { startColumn: Math.max(1, column) }),
  };
  return { physicalLocation: { artifactLocation: { uri: toUri(file) }, region } };
}

function toUri(file: string): string {
  return file.startsWith("/") ? `file://${encodeURI(file)}` : encodeURI(file);
}

/** The whole answer of a scan, and its findings in words. */
import type { RawFinding } from "./finding.ts";
import { type Rule, ruleOf } from "./rules.ts";
import type { Suppression } from "./suppress.ts";
import type { Language } from "./unit.ts";

export interface Finding extends RawFinding {
  readonly function: string;
  readonly severity: Rule["severity"];
  readonly message: string;
  readonly cure: string;
  readonly suppression: Suppression | null;
}

export interface ScannedUnit {
  readonly name: string;
  readonly languages: readonly Language[];
  readonly handlers: readonly string[];
  readonly files: number;
}

export interface ScanResult {
  readonly findings: readonly Finding[];
  readonly scanned: readonly ScannedUnit[];
  readonly problems: readonly string[];
}

/** `RUN_ID keeps uuid.uuid4(): every clone of the snapshot has the same identifier` */
export function messageOf(finding: RawFinding): string {
  const rule = ruleOf(finding.rule);
  const subject = finding.kept === null ? finding.what : `${finding.kept} keeps ${finding.what}`;
  const phase = finding.phase === "before-snapshot" ? " (in a before-snapshot hook)" : "";
  return `${subject}${phase}: ${rule?.reason ?? ""}`;
}

/** A check beside the one before: what is new, what has gone, and how the times changed. */
import type { AnswerOf } from "@thaw/thaw-api/types";

type Report = AnswerOf<"checkFunction">;

/** What is kept of a check, as long as the browser's tab is open. */
export interface KeptCheck {
  readonly version: string;
  readonly headline: string;
  readonly atMs: number;
  readonly findings: ReadonlyArray<{ readonly id: string; readonly title: string }>;
  readonly timing: Readonly<Record<TimeName, number | null>>;
}

export interface Differences {
  /** Findings of the check that the one before had not. */
  readonly added: ReadonlySet<string>;
  /** Titles of findings that only the one before had. */
  readonly gone: readonly string[];
}

export const TIMES = [
  ["restoreMs", "Restore"],
  ["firstInvokeMs", "First invoke"],
  ["nextInvokeMs", "Next invoke"],
  ["primingSavesMs", "Priming could save"],
  ["withoutSnapshotMs", "Without the snapshot"],
] as const;
export type TimeName = (typeof TIMES)[number][0];

export function keep({ version, verdict, findings, timing }: Report, atMs: number): KeptCheck {
  const times = TIMES.map(([name]) => [name, timing[name]] as const);
  return {
    version,
    headline: verdict.headline,
    atMs,
    findings: findings.map(({ id, title }) => ({ id, title })),
    timing: Object.fromEntries(times) as KeptCheck["timing"],
  };
}

/** Findings are the same where id and title are: an id is a rule, of which there may be several. */
export function keyOf({ id, title }: { readonly id: string; readonly title: string }): string {
  return `${id} ${title}`;
}

export function compareChecks(before: KeptCheck, now: KeptCheck): Differences {
  const [known, found] = [before, now].map(({ findings }) => new Set(findings.map(keyOf)));
  return {
    added: new Set(now.findings.map(keyOf).filter((key) => known?.has(key) !== true)),
    gone: before.findings.filter((finding) => found?.has(keyOf(finding)) !== true).map(({ title }) => title),
  };
}

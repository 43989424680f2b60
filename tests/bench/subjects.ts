/** What the bench deploys, and how it makes an invoke cold or takes a parked clone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { runThaw } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import { REPOSITORY, type ThawServer } from "../../tools/thaw-server.ts";
import type { Series } from "./series.ts";

/** The pool refills and clones are parked once the host is quiet; a cold start that meets them is another measure. */
const SETTLE_MS = 600;

export interface Subject {
  readonly label: string;
  readonly name: string;
  readonly event: unknown;
}

export interface Timed {
  readonly clientMs: number;
  readonly durationMs: number;
  /** Init or Restore Duration; NaN where it was warm. */
  readonly startMs: number;
}

export const SPRING: Subject = {
  label: "Spring Boot",
  name: "orders",
  event: JSON.parse(readFileSync(join(REPOSITORY, "samples/spring/event.json"), "utf8")),
};

export const NODE: Subject = { label: "Node.js", name: "primes", event: { below: 100 } };

/**
 * Deploys a template of the repository with the CLI, as a user does. This process goes on meanwhile: it may be the
 * store's proxy.
 */
export async function deploy(server: ThawServer, template: string): Promise<void> {
  const { code, stderr } = await runThaw(["deploy", join(REPOSITORY, template)], server.env);
  if (code !== 0) throw new Error(`${template}: ${stderr}`);
}

export async function timedInvoke(functions: TestFunctions, subject: Subject, qualifier: string): Promise<Timed> {
  const startMs = performance.now();
  const answer = await functions.invoke(subject.name, subject.event, qualifier);
  const clientMs = performance.now() - startMs;
  if (answer.functionError !== undefined) throw new Error(`${subject.name}: ${JSON.stringify(answer.payload)}`);
  return {
    clientMs,
    durationMs: Number(/\tDuration: ([\d.]+)/.exec(answer.log)?.[1]),
    startMs: Number(/\t(?:Init|Restore) Duration: ([\d.]+)/.exec(answer.log)?.[1]),
  };
}

/** Stops what runs of a function, and what was parked when it became quiet. */
export async function untilNothingRuns(functions: TestFunctions, name: string): Promise<void> {
  await functions.stopEnvironments(name);
  await pause(SETTLE_MS);
  await functions.stopEnvironments(name);
}

/** Each in an environment of its own; nothing of the version was running or parked. */
export async function coldInvokes(
  functions: TestFunctions,
  subject: Subject,
  qualifier: string,
  count: number,
): Promise<Timed[]> {
  const all: Timed[] = [];
  for (let i = 0; i < count; i++) {
    await untilNothingRuns(functions, subject.name);
    const timed = await timedInvoke(functions, subject, qualifier);
    if (Number.isNaN(timed.startMs)) throw new Error(`${subject.name}: not cold`);
    all.push(timed);
  }
  return all;
}

export async function parkedInvokes(
  functions: TestFunctions,
  subject: Subject,
  qualifier: string,
  count: number,
): Promise<Timed[]> {
  const all: Timed[] = [];
  await timedInvoke(functions, subject, qualifier);
  for (let i = 0; i < count; i++) {
    await functions.eventually("parked", async () => {
      await pause(50);
      return (await functions.environments(subject.name)).some((each) => each.state === "parked");
    });
    await functions.admin(
      "POST",
      "environments/stop",
      Buffer.from(JSON.stringify({ function: subject.name, keepParked: true })),
    );
    await pause(SETTLE_MS);
    const timed = await timedInvoke(functions, subject, qualifier);
    if (Number.isNaN(timed.startMs)) throw new Error(`${subject.name}: not from a parked clone`);
    all.push(timed);
  }
  return all;
}

/**
 * Of the server's trace lines, in order, of functions whose names begin with `name`; the last line may come a moment
 * after the answer.
 */
export async function restoreTraces(
  server: ThawServer,
  functions: TestFunctions,
  { from, count, name = "" }: { readonly from: number; readonly count: number; readonly name?: string },
): Promise<RestoreTrace[]> {
  return functions.eventually("traces", async () => {
    const lines = server
      .output()
      .slice(from)
      .split("\n")
      .filter(
        (line) => line.includes('"event":"restore"') && line.includes(`"functionName":"${name}`) && line.endsWith("}"),
      );
    await pause(20);
    return lines.length >= count && lines.map((line) => JSON.parse(line) as RestoreTrace);
  });
}

/** Where the time of restores went; `names` of a trace's phases. */
export function phaseSeries(label: string, traces: readonly RestoreTrace[], names: readonly string[]): Series[] {
  return names.map((name) => ({
    name: `${label}: of it ${name}`,
    unit: "ms",
    values: traces.map((trace) => trace.phases[name] ?? Number.NaN),
  }));
}

/** What the pager did for them. */
export function memorySeries(label: string, traces: readonly RestoreTrace[]): Series[] {
  return [
    {
      name: `${label}: working set brought ahead until`,
      unit: "ms",
      values: traces.map((trace) => trace.memory?.prefetchEndMs || Number.NaN),
    },
    {
      name: `${label}: pages brought ahead`,
      unit: "pages",
      values: traces.map((trace) => trace.memory?.prefetchedPages ?? Number.NaN),
    },
    {
      name: `${label}: faults left`,
      unit: "faults",
      values: traces.map((trace) => trace.memory?.faults ?? Number.NaN),
    },
  ];
}

export interface RestoreTrace {
  readonly phases: Readonly<Record<string, number>>;
  readonly memory: {
    readonly faults: number;
    readonly pages: number;
    readonly prefetchedPages: number;
    readonly prefetchEndMs: number;
    readonly decryptMs: number;
  } | null;
}

/** Cold invokes of several versions of a function, in turns. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { setTimeout as pause } from "node:timers/promises";
import type { InvocationDetails } from "@thaw/thaw-api";
import { layWaterfall } from "@thaw/thaw-api/waterfall";
import { CommandError } from "@thaw/installation/command-error";
import { type Connection, RefusedError } from "../connection.ts";
import { type Measured, oneLine, type Sample } from "./report.ts";

/** The host makes sandboxes ready for the next start, which is no part of this one. */
const SETTLE_MS = 500;
const STOP_LIMIT_MS = 120_000;
const RECORD_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 25;
/** Invokes for one cold one: other callers may bring an environment up in between. */
const TRIES_MAX = 5;
const ERROR_BYTES_MAX = 64 * 1024;

export interface Subject {
  readonly version: string;
  readonly alias: string | null;
  /** Whether prime events were served before its snapshot; null: it is not compared for that. */
  readonly isPrimed: boolean | null;
}

export interface MeasureOptions {
  readonly functionName: string;
  readonly subjects: readonly Subject[];
  readonly count: number;
  readonly payload: Buffer;
  /** Called before each round; 0 is the one that is not counted. */
  readonly onRound: (round: number) => void;
}

/**
 * One round more than `count` is made: the first is not counted. In it the host reads the function's files, and learns
 * which memory a clone needs. Each second round goes the other way about, so that none is always behind the same one.
 */
export async function measure(connection: Connection, options: MeasureOptions): Promise<readonly Measured[]> {
  const { functionName, subjects, count, payload, onRound } = options;
  const all = subjects.map((subject) => ({ ...subject, samples: [] as Sample[], repeated: 0 }));
  for (let round = 0; round <= count; round++) {
    onRound(round);
    for (const each of round % 2 === 0 ? all : all.toReversed()) {
      const { sample, repeated } = await invokeCold(connection, functionName, each.version, payload);
      if (round === 0) continue;
      each.samples.push(sample);
      each.repeated += repeated;
    }
  }
  return all;
}

async function invokeCold(
  connection: Connection,
  functionName: string,
  version: string,
  payload: Buffer,
): Promise<{ readonly sample: Sample; readonly repeated: number }> {
  for (let repeated = 0; repeated < TRIES_MAX; repeated++) {
    await untilNothingRuns(connection, functionName, version);
    const sample = await invokeOnce(connection, functionName, version, payload);
    if (sample !== null) return { sample, repeated };
  }
  throw new CommandError(
    `${functionName}:${version}: ${TRIES_MAX} invokes in a row found an environment that was there already. Others use this version: compare it on a quiet server, or under a name of its own`,
  );
}

/** Ends the version's environments, with what was parked when it became quiet. */
async function untilNothingRuns({ thaw }: Connection, functionName: string, version: string): Promise<void> {
  const query = { function: functionName, version };
  const deadline = Date.now() + STOP_LIMIT_MS;
  await thaw.call("stopEnvironments", { body: query });
  await pause(SETTLE_MS);
  for (;;) {
    const { environments } = await thaw.call("listEnvironments", { query });
    if (environments.length === 0) return;
    if (Date.now() > deadline)
      throw new CommandError(
        `${functionName}:${version}: an environment is still ${environments[0]?.state} after ${STOP_LIMIT_MS / 1000} s, so no invoke is cold. Others use this version: compare it on a quiet server`,
      );
    await thaw.call("stopEnvironments", { body: query });
    await pause(LOOK_AGAIN_MS);
  }
}

/** Null: it was not cold, or its clone had been restored ahead. */
async function invokeOnce(
  connection: Connection,
  functionName: string,
  version: string,
  payload: Buffer,
): Promise<Sample | null> {
  const command = new InvokeCommand({ FunctionName: functionName, Qualifier: version, Payload: payload });
  const lambda = await connection.lambda();
  const startMs = performance.now();
  const answer = await lambda.send(command);
  const clientMs = performance.now() - startMs;
  const error = answer.FunctionError === undefined ? null : describeError(answer.Payload);
  const details = await recordOf(connection, answer.$metadata.requestId ?? "");
  return sampleOf(details, clientMs, error);
}

/** Null: it was not cold. An invoke that failed before its environment was ready counts as what it was to be. */
export function sampleOf(details: InvocationDetails, clientMs: number, error: string | null): Sample | null {
  const start = details.start ?? (details.restoreDurationMs === null ? "initialised" : "restored");
  if (start === "warm" || start === "provisioned") return null;
  const { rows, shares } = layWaterfall(details);
  if (rows.some(({ isAhead }) => isAhead)) return null;
  const { requestId, totalMs, durationMs, initDurationMs, restoreDurationMs } = details;
  const parts = arePhasesKnown(details)
    ? Object.fromEntries(shares.map(({ part, durationMs }) => [part, durationMs]))
    : null;
  return { requestId, start, error, clientMs, totalMs, durationMs, initDurationMs, restoreDurationMs, parts };
}

/** Gives the server's record. It is there when the invocation has ended, which may be a moment after the answer. */
async function recordOf({ thaw }: Connection, requestId: string): Promise<InvocationDetails> {
  const deadline = Date.now() + RECORD_LIMIT_MS;
  for (;;) {
    try {
      return await thaw.call("getInvocation", { parameters: { requestId } });
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 404) || Date.now() > deadline) throw error;
    }
    await pause(LOOK_AGAIN_MS);
  }
}

function arePhasesKnown({ start, phases }: InvocationDetails): boolean {
  return start === "warm" || Object.hasOwn(phases, "engine");
}

/** Names the error that a function answered with, in one line; runtimes of one's own may answer with anything. */
function describeError(payload: Uint8Array | undefined): string {
  const bytes = Buffer.from(payload ?? []);
  const text = bytes.subarray(0, ERROR_BYTES_MAX).toString("utf8");
  try {
    const { errorType, errorMessage } = JSON.parse(text) as Record<string, unknown>;
    const said = [errorType, errorMessage].filter((each) => typeof each === "string" && each !== "");
    return oneLine(said.length === 0 ? text : said.join(": "));
  } catch {
    return oneLine(text === "" ? "no answer" : text);
  }
}

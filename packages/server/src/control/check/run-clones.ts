/**
 * Environments made for a check alone, clones and a fresh one: never warm or parked ones, and gone when the check is
 * over.
 */
import { ApiError } from "../../model/api-error.ts";
import type { CloneAnswer } from "../../model/compare-clones.ts";
import { logGroupArn, scopeOfFunction } from "../../model/log-group.ts";
import { readSent, type SentReading, type SentTraffic } from "../../model/sent-requests.ts";
import type { EnvironmentObservation, RunnableVersion } from "../../ports/worker.ts";
import { takeWhole } from "../invoke/buffered.ts";
import { refusalOf } from "../invoke/invoke.ts";
import type { ControlServices } from "../services.ts";

/** Characters of an answer, and of an environment's log, that are compared: each is read in one turn, several times. */
export const COMPARED_SIZE_MAX = 1024 * 1024;

/** Number of invokes of each clone: a die shows the same side in all three of them one time in 36 only. */
export const INVOKES_PER_CLONE = 3;

export interface CheckedClone {
  readonly answers: readonly CloneAnswer[];
  /** Durations of the invokes; the first includes the restore. */
  readonly invokeMs: readonly number[];
  /** Look at the environment after the first invoke; null where the environment ended with that invoke. */
  readonly observed: EnvironmentObservation | null;
  /** Data that it sent to the outside; null where that could not be read. */
  readonly sent: SentReading | null;
  /** Invokes that ended in a function error: their payloads. */
  readonly errors: readonly string[];
  /** True where an answer or the log is longer than what is compared. */
  readonly isCut: boolean;
}

export interface CloneRun {
  /** Key that no other environment has. */
  readonly runKey: string;
  readonly payload: Buffer;
  readonly invokes: number;
}

type CloneServices = Pick<ControlServices, "logs" | "worker" | "clock" | "random">;

/** Makes one environment and gives it the event. Throws an ApiError when it could not be made. */
export async function runClone(
  services: CloneServices,
  version: RunnableVersion,
  { runKey, payload, invokes }: CloneRun,
): Promise<CheckedClone> {
  const own = { ...version, runKey, recordsSent: true };
  const answers: Array<Omit<CloneAnswer, "sent">> = [];
  const traffic: Array<SentTraffic | null> = [];
  const errors: string[] = [];
  const invokeMs: number[] = [];
  let isCut = false;
  let observed: EnvironmentObservation | null = null;
  try {
    for (let invoke = 0; invoke < invokes; invoke++) {
      const startMs = services.clock.monotonicMs();
      const startedAtMs = services.clock.nowMs();
      const { text, isError, environmentId } = await invokeOnce(services, own, payload);
      const endedAtMs = services.clock.nowMs();
      invokeMs.push(services.clock.monotonicMs() - startMs);
      if (isError) errors.push(text);
      // Also waits until the next invoke finds it.
      const seen = await services.worker.observe(environmentId);
      observed ??= seen;
      // Where the first environment has ended, nothing of another one is compared.
      traffic.push(
        seen?.summary.environmentId === observed?.summary.environmentId ? (seen?.sandbox.sent ?? null) : null,
      );
      const all = observed === null ? NO_LOG : await readLog(services, version, observed.summary.logStream);
      const log = all.lines.slice(answers.reduce((sum, answer) => sum + answer.log.length, 0));
      answers.push({ payload: text.slice(0, COMPARED_SIZE_MAX), log, startedAtMs, endedAtMs });
      isCut ||= all.isCut || text.length > COMPARED_SIZE_MAX;
    }
  } finally {
    await services.worker.stopEnvironments({ runKey });
  }
  const sent = readSent(traffic);
  return {
    answers: answers.map((answer, invoke) => ({ ...answer, sent: sent?.parts[invoke] ?? [] })),
    invokeMs,
    observed,
    sent,
    errors,
    isCut,
  };
}

async function invokeOnce(
  services: Pick<ControlServices, "worker" | "random">,
  version: RunnableVersion,
  payload: Buffer,
): Promise<{
  readonly text: string;
  readonly isError: boolean;
  readonly environmentId: EnvironmentObservation["summary"]["environmentId"];
}> {
  const invoked = await services.worker.invoke(version, {
    requestId: services.random.uuid(),
    payload,
    invokedFunctionArn: `${version.functionArn}:${version.version}`,
    clientContext: null,
    traceId: null,
    wantsLogTail: false,
    parksNone: true,
  });
  const outcome = await takeWhole(invoked);
  switch (outcome.kind) {
    case "response":
      return {
        text: outcome.payload.toString("utf8"),
        isError: outcome.functionError !== null,
        environmentId: outcome.environmentId,
      };
    case "throttled":
      throw new ApiError(
        "TooManyRequestsException",
        "The host has no room for the clones of this check at the moment.",
        { Reason: outcome.reason },
      );
    default:
      throw refusalOf(outcome);
  }
}

interface ReadLog {
  readonly lines: readonly string[];
  readonly isCut: boolean;
}

const NO_LOG: ReadLog = { lines: [], isCut: false };

async function readLog(
  services: Pick<ControlServices, "logs">,
  { functionArn, logGroup }: RunnableVersion,
  logStream: string,
): Promise<ReadLog> {
  const lines: string[] = [];
  let size = 0;
  for await (const events of services.logs.read(logGroupArn(scopeOfFunction(functionArn), logGroup), { logStream }))
    for (const { message, origin } of events) {
      if (origin !== "function") continue;
      size += message.length;
      if (size > COMPARED_SIZE_MAX) return { lines, isCut: true };
      lines.push(message);
    }
  return { lines, isCut: false };
}

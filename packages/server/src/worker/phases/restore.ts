/**
 * The Restore phase: a clone is made from the snapshot and released. Its credentials and its log stream are new before
 * it runs. A runtime that was parked in restore/next gets an empty 200 and then has its after-restore hooks to run; one
 * that was parked in invocation/next stays there until Invoke.
 */
import { untilReady } from "../core/flow.ts";
import { attach } from "../core/attach.ts";
import type { Brought } from "../core/brought.ts";
import { type EnvironmentCore, tryEngine } from "../core/core.ts";
import type { Deadline, RestoreMode } from "../core/events.ts";
import { nextApiEvent } from "../core/wait.ts";
import type { Failure } from "../function-errors.ts";
import { RESTORE_LATE } from "../platform-failure.ts";
import { toPhaseStatus } from "./init.ts";

export type RestoreResult = {
  /** Wall clock at the beginning. */
  readonly startedAtMs: number;
  /** The same on the monotonic clock. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Runtime load and after-restore hooks, rounded up. */
  readonly billedMs: number;
} & ({ readonly kind: "ready"; readonly brought: Brought } | { readonly kind: "failed"; readonly failure: Failure });

/** A clone that stands where the snapshot was taken. */
export type CloneResult =
  | { readonly kind: "ready"; readonly brought: Brought }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Restores from a snapshot. */
export function runRestore(core: EnvironmentCore, snapshot: RestoreMode): Promise<RestoreResult> {
  return restore(core, () => makeClone(core, snapshot));
}

/** Restores from a parked clone. The duration counts from the request, as AWS's does from the invoke. */
export function runUnpark(core: EnvironmentCore, brought: Brought): Promise<RestoreResult> {
  core.renewIdentity();
  return restore(core, async () => {
    const thawed = await tryEngine(() => core.thaw(brought));
    return thawed.ok ? { kind: "ready", brought } : { kind: "failed", failure: thawed.failure };
  });
}

/** Makes a clone and freezes it where the snapshot was taken. */
export async function parkClone(core: EnvironmentCore, snapshot: RestoreMode): Promise<CloneResult> {
  const clone = await makeClone(core, snapshot);
  if (clone.kind === "failed") return clone;
  const frozen = await tryEngine(() => core.freeze(clone.brought));
  return frozen.ok ? clone : { kind: "failed", failure: frozen.failure };
}

async function restore(core: EnvironmentCore, bring: () => Promise<CloneResult>): Promise<RestoreResult> {
  const { log, version, recipe } = core;
  log.beginPhase();
  log.writePlatform({
    kind: "restore-start",
    functionName: version.functionName,
    version: version.version,
    runtimeVersion: recipe.runtimeVersion,
    runtimeVersionArn: recipe.runtimeVersionArn,
  });
  const startedAtMs = core.services.clock.nowMs();
  const startMs = core.nowMs();
  const endRestore = core.phases.start("restore");
  const clone = await untilDebugged(core, await bring());
  const releasedMs = core.nowMs();
  const failure = clone.kind === "failed" ? clone.failure : await releaseRuntime(core, clone.brought);
  core.noteFailure(failure);
  const billedMs = Math.ceil(core.nowMs() - releasedMs);
  const durationMs = endRestore();
  log.flushOutput();
  if (clone.kind === "ready") log.writePlatform({ kind: "restore-runtime-done", status: toPhaseStatus(failure) });
  log.writePlatform({ kind: "restore-report", durationMs, status: toPhaseStatus(failure) });
  const times = { startedAtMs, startMs, durationMs, billedMs };
  if (clone.kind === "failed") return { ...clone, ...times };
  return failure === null ? { ...clone, ...times } : { kind: "failed", failure, ...times };
}

async function makeClone(core: EnvironmentCore, { snapshotId, key }: RestoreMode): Promise<CloneResult> {
  const { engine, snapshots } = core.services;
  if (snapshots === null) {
    const message = `This host can't restore snapshots: ${engine.snapshotsProblem ?? "the engine has none"}`;
    return { kind: "failed", failure: { kind: "platform", code: "WORKER_NO_SNAPSHOTS", message } };
  }
  core.currentCredentials();
  const startMs = core.nowMs();
  const endEngine = core.phases.start("engine");
  const restored = await tryEngine(() => snapshots.restore(core.sandboxSpec, snapshotId, key));
  if (!restored.ok) {
    core.reportProblem("restore", restored.error);
    return { kind: "failed", failure: restored.failure };
  }
  core.phases.include(restored.value.phases, startMs);
  endEngine();
  const brought = attach(core, restored.value);
  const failure = await untilParked(core, brought);
  return failure === null ? { kind: "ready", brought } : { kind: "failed", failure };
}

/** Waits until the runtime presents the call in which the snapshot was taken. */
async function untilParked(core: EnvironmentCore, brought: Brought): Promise<Failure | null> {
  const endParked = core.phases.start("parked");
  const deadline = core.startDeadline(core.services.limits.restoreTimeoutMs);
  const failure = await untilReady(core, brought, deadline, "clone");
  deadline.cancel();
  endParked();
  // No hook has been let loose yet, and nothing of the function was run: it is the host that is late.
  return failure?.kind === "timeout" ? RESTORE_LATE : failure;
}

/** Lets a clone of a function that is debugged wait where the snapshot was taken, until it is told to go on. */
async function untilDebugged(core: EnvironmentCore, clone: CloneResult): Promise<CloneResult> {
  if (clone.kind === "failed" || core.debug?.isOpen !== true) return clone;
  const { brought } = clone;
  // The end of the wait comes as a deadline does.
  const end: Deadline = { cancel: () => undefined };
  core.debug.show(core.environmentId, brought.sandbox.link, () => core.inbox.put({ kind: "deadline", deadline: end }));
  for (;;) {
    const next = await nextApiEvent(core, brought, end);
    if (next.kind === "event") continue;
    return next.failure.kind === "timeout" ? clone : { kind: "failed", failure: next.failure };
  }
}

async function releaseRuntime(core: EnvironmentCore, brought: Brought): Promise<Failure | null> {
  // A runtime without hooks was taken in invocation/next, and stays there until Invoke.
  if (brought.session.state !== "RestoreReady") return null;
  const endHooks = core.phases.start("hooks");
  const deadline = core.startLimit(core.services.limits.restoreTimeoutMs);
  brought.session.releaseRestore();
  const failure = await untilReady(core, brought, deadline, "restore");
  deadline.cancel();
  endHooks();
  return failure;
}

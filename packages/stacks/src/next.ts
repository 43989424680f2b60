/** The machine of a stack's states: what comes next. Pure. */
import { enterBack, startBack } from "./back.ts";
import { Draft, RESOURCES_FAILED } from "./draft.ts";
import { evaluateOutputs } from "./evaluate.ts";
import { exportProblem, exportsInUse } from "./exports.ts";
import { refuseRemovals, startForward, takeNeeds } from "./forward.ts";
import { forgetLeft, isAfterRollback, startRemoval } from "./removal.ts";
import type { Plan } from "./planned.ts";
import type { Head, News, Operation, Output, Phase, Run, RunContext, StackStatus, Step } from "./run.ts";
import type { StackResource } from "./stack-resource.ts";
import { tellResult } from "./tell-news.ts";
import { TemplateError } from "./template-error.ts";

/** A stack at rest: what the next operation begins with. A creation may be deleted while it runs. */
export interface StackState {
  /** Null: nothing ever ran. */
  readonly head: Head | null;
  readonly resources: ReadonlyMap<string, StackResource>;
}

const USER = "User Initiated";
const CANCELLED = "User Initiated";
const TIMED_OUT = "Stack creation time exceeded the specified timeout.";
/** Where a rollback goes to. */
const STABLE: ReadonlySet<StackStatus> = new Set(["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]);

/** Begins an operation, which `refusalOf` (operations.ts) has let through. */
export function begin({ head, resources }: StackState, operation: Operation, context: RunContext): Step {
  const plan = "plan" in operation ? operation.plan : null;
  const draft = new Draft({ head: headFor(head, operation), resources, plan }, context);
  for (const row of draft.rows())
    if (row.status === "DELETE_COMPLETE" || row.status === "DELETE_SKIPPED") draft.remove(row);
  enter(draft, operation, head?.status ?? null);
  advance(draft);
  return draft.step();
}

function headFor(earlier: Head | null, operation: Operation): Head {
  return {
    run: (earlier?.run ?? 0) + 1,
    base: earlier?.base ?? 0,
    count: earlier?.count ?? 0,
    operation: operation.kind,
    phase: "forward",
    status: "CREATE_IN_PROGRESS",
    statusReason: null,
    pending: earlier?.pending ?? [],
    stopReason: null,
    onFailure: "onFailure" in operation ? operation.onFailure : "ROLLBACK",
    retainExceptOnCreate: "retainExceptOnCreate" in operation && operation.retainExceptOnCreate,
    isForced: operation.kind === "delete" && operation.isForced,
    retain: operation.kind === "delete" ? operation.retain : operation.kind === "continue" ? operation.skip : [],
    failures: {},
    outputs: null,
  };
}

function enter(draft: Draft, operation: Operation, earlier: StackStatus | null): void {
  switch (operation.kind) {
    case "create":
      draft.showStack("CREATE_IN_PROGRESS", begunBecause(operation.plan));
      return;
    case "update":
      draft.showStack("UPDATE_IN_PROGRESS", begunBecause(operation.plan));
      takeNeeds(draft);
      refuseRemovals(draft);
      return;
    case "delete":
      enterRemoval(draft, "DELETE_IN_PROGRESS", USER);
      if (draft.head.pending.length > 0) draft.stop(RESOURCES_FAILED);
      refuseInUse(draft);
      return;
    case "rollback":
      if (earlier === "CREATE_FAILED" || draft.head.base === 0) enterRemoval(draft, "ROLLBACK_IN_PROGRESS", USER);
      else enterBack(draft, USER);
      return;
    case "continue":
      enterBack(draft, USER);
  }
}

function begunBecause({ note }: Plan): string {
  return note === undefined ? USER : `${USER}. ${note}`;
}

/** Goes on. News of a command that is not pending changes nothing. */
export function next(run: Run, news: News, context: RunContext): Step {
  const draft = new Draft(run, context);
  const { phase, operation } = run.head;
  switch (news.kind) {
    case "cancel":
      if (phase === "forward" && operation === "update") draft.stop(CANCELLED);
      break;
    case "timeout":
      if (phase === "forward" && operation === "create") draft.stop(TIMED_OUT);
      break;
    default:
      if (!tellResult(draft, news)) return draft.step();
  }
  advance(draft);
  return draft.step();
}

const STARTERS: Readonly<Record<Exclude<Phase, "end">, (draft: Draft) => void>> = {
  forward: startForward,
  back: startBack,
  clean: startRemoval,
  remove: startRemoval,
};
const LEAVERS: Readonly<Record<Exclude<Phase, "end">, (draft: Draft) => void>> = {
  forward: leaveForward,
  back: leaveBack,
  clean: leaveClean,
  remove: leaveRemoval,
};

/** Begins what may be begun, and goes over to the next phase where nothing is pending and nothing may. */
function advance(draft: Draft): void {
  for (let { phase } = draft.head; phase !== "end"; { phase } = draft.head) {
    if (draft.head.stopReason === null) STARTERS[phase](draft);
    if (draft.head.pending.length > 0) return;
    LEAVERS[phase](draft);
  }
}

function leaveForward(draft: Draft): void {
  const { stopReason } = draft.head;
  if (stopReason !== null) {
    failForward(draft, stopReason === RESOURCES_FAILED ? failedText(draft, ["CREATE", "UPDATE"]) : stopReason);
    return;
  }
  const outputs = outputsOf(draft);
  if (typeof outputs === "string") {
    failForward(draft, outputs);
    return;
  }
  draft.set({ outputs });
  if (draft.head.operation === "create") end(draft, "CREATE_COMPLETE");
  else enterClean(draft, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
}

/** Outputs, or what is wrong with them. */
function outputsOf(draft: Draft): readonly Output[] | string {
  if (draft.plan === null) return [];
  try {
    const outputs = evaluateOutputs(draft.plan.target, draft.facts());
    return exportProblem(outputs, draft.context) ?? outputs;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

function failForward(draft: Draft, reason: string): void {
  const { operation, onFailure, base } = draft.head;
  const isCancelled = draft.head.stopReason === CANCELLED;
  if (onFailure === "DO_NOTHING" && !isCancelled) {
    end(draft, operation === "create" ? "CREATE_FAILED" : "UPDATE_FAILED", reason);
  } else if (operation === "create" && onFailure === "DELETE") {
    enterRemoval(draft, "DELETE_IN_PROGRESS", `${reason} Delete requested by user.`);
  } else if (operation === "create" || base === 0) {
    enterRemoval(draft, "ROLLBACK_IN_PROGRESS", `${reason} Rollback requested by user.`);
  } else enterBack(draft, reason);
}

function leaveBack(draft: Draft): void {
  if (draft.head.stopReason === null) enterClean(draft, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
  // Others failed before, and are still to be brought back.
  else end(draft, "UPDATE_ROLLBACK_FAILED", failedText(draft, ["UPDATE"], Object.keys(draft.head.failures)));
}

function enterClean(draft: Draft, status: StackStatus): void {
  draft.set({ phase: "clean", stopReason: null, failures: {} });
  draft.showStack(status);
}

function leaveClean(draft: Draft): void {
  forgetLeft(draft);
  end(draft, isAfterRollback(draft) ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE");
}

function enterRemoval(draft: Draft, status: StackStatus, reason: string): void {
  draft.set({ phase: "remove", stopReason: null });
  draft.showStack(status, reason);
}

/** An export that others import keeps its stack. */
function refuseInUse(draft: Draft): void {
  const problem = exportsInUse(draft.context);
  if (problem !== null && draft.head.pending.length === 0) end(draft, "DELETE_FAILED", problem);
}

/** What was pending when a deletion began has ended first. */
function leaveRemoval(draft: Draft): void {
  if (draft.head.stopReason !== null) {
    draft.set({ stopReason: null });
    return;
  }
  const kind = draft.head.status === "ROLLBACK_IN_PROGRESS" ? "ROLLBACK" : "DELETE";
  const failed = failedText(draft, ["DELETE"]);
  if (failed === "") end(draft, `${kind}_COMPLETE`);
  else end(draft, `${kind}_FAILED`, failed);
}

const VERBS = { CREATE: "create", UPDATE: "update", DELETE: "delete" } as const;

/** Names all that failed in this run; `keys`: of these rows. */
function failedText(draft: Draft, kinds: ReadonlyArray<keyof typeof VERBS>, keys?: readonly string[]): string {
  const isMeant = ({ key, run, isObsolete }: StackResource): boolean =>
    run === draft.head.run && !isObsolete && (keys === undefined || keys.includes(key));
  const rows = draft.rows().filter(isMeant);
  const sentences = kinds.flatMap((kind) => {
    const ids = rows.filter(({ status }) => status === `${kind}_FAILED`).map(({ logicalId }) => logicalId);
    return ids.length === 0 ? [] : [`The following resource(s) failed to ${VERBS[kind]}: [${ids.join(", ")}].`];
  });
  return sentences.join(" ");
}

function end(draft: Draft, status: StackStatus, reason: string | null = null): void {
  const { run, base } = draft.head;
  draft.set({ phase: "end", stopReason: null, failures: {}, base: STABLE.has(status) ? run : base });
  draft.showStack(status, reason);
}

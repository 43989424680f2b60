/** What a step of a run writes: the stack, its resources, its events and its exports, in one commit. */
import type { EventDraft, Output, StackStatus, Step } from "@thaw/stacks/run";
import type { StackEvent, StackExport, StackRecord, StackSource } from "../model/stack-record.ts";
import type { StackWrite } from "../ports/stack-store.ts";

/** Oldest ones are forgotten; 500 resources that are made, changed and removed have 3000. */
const EVENTS_MAX = 10_000;

export interface StepInput {
  readonly record: StackRecord;
  readonly step: Step;
  readonly nowMs: number;
  readonly newId: () => string;
  /** As they are shown; those of the step, if it has any that are new. */
  readonly outputs: readonly Output[] | null;
  /** Names of exports of other stacks that the outputs' run imports. */
  readonly imports: readonly string[];
  /** Of an update that has come to its end: what the stack is made of from now on. */
  readonly next: StackSource | null;
}

export interface Written {
  readonly record: StackRecord;
  readonly writes: readonly StackWrite[];
}

export function writesOfStep({ record, step, nowMs, newId, outputs, imports, next }: StepInput): Written {
  const { id } = record;
  const { head } = step;
  const isDeleted = head.status === "DELETE_COMPLETE";
  const told = withEvents(record, step.events, nowMs, newId);
  const written: StackRecord = {
    ...told.record,
    head,
    status: head.status,
    statusReason: head.statusReason,
    deletedAtMs: isDeleted ? nowMs : null,
    outputs: outputs ?? record.outputs,
    deadlineMs: head.phase === "end" ? null : record.deadlineMs,
    ...(head.phase === "end" ? policiesAtEnd(record, head.status) : {}),
  };
  return {
    record: written,
    writes: [
      ...[...step.put].map(([key, part]): StackWrite => ({ op: "putPart", stackId: id, kind: "resource", key, part })),
      ...step.removed.map((key): StackWrite => ({ op: "removePart", stackId: id, kind: "resource", key })),
      ...told.writes,
      ...(outputs === null ? [] : exportWrites(id, outputs, imports)),
      ...(head.phase === "end" ? writesOfEnd(written, next) : []),
    ],
  };
}

/** A policy that came with an update protects what it has made, and nothing where it has failed. */
function policiesAtEnd({ policy, updatePolicies }: StackRecord, status: StackStatus) {
  const next = status === "UPDATE_COMPLETE" ? (updatePolicies?.next ?? null) : null;
  return { policy: next ?? policy, updatePolicies: null };
}

/** Adds events, each with a time after that of the one before. */
export function withEvents(
  record: StackRecord,
  drafts: readonly EventDraft[],
  nowMs: number,
  newId: () => string,
): Written {
  let { lastEventMs } = record;
  const writes = drafts.map((draft): StackWrite => {
    lastEventMs = Math.max(nowMs, lastEventMs + 1);
    const { request } = record;
    const event: StackEvent = {
      ...draft,
      id:
        draft.logicalId === null
          ? newId()
          : `${draft.logicalId}-${draft.status}-${new Date(lastEventMs).toISOString()}`,
      atMs: lastEventMs,
      request:
        request === null ? null : { clientRequestToken: request.clientRequestToken, operationId: request.operationId },
    };
    return { op: "addEvent", stackId: record.id, event };
  });
  return { record: { ...record, lastEventMs }, writes };
}

function exportWrites(stackId: string, outputs: readonly Output[], imports: readonly string[]): StackWrite[] {
  const exported = outputs.flatMap(({ exportName, value }): StackExport[] =>
    exportName === null ? [] : [{ name: exportName, value, stackId }],
  );
  return [
    { op: "setExports", stackId, exports: exported },
    { op: "setImports", stackId, names: imports },
  ];
}

function writesOfEnd({ id, status }: StackRecord, next: StackSource | null): StackWrite[] {
  const forgetNext: StackWrite = { op: "removePart", stackId: id, kind: "source", key: "next" };
  const forgetPlan: StackWrite = { op: "removePart", stackId: id, kind: "plan", key: "run" };
  const trim: StackWrite = { op: "trimEvents", stackId: id, countMax: EVENTS_MAX };
  switch (status) {
    case "UPDATE_COMPLETE":
      return [
        ...(next === null ? [] : [{ op: "putPart", stackId: id, kind: "source", key: "current", part: next } as const]),
        forgetNext,
        forgetPlan,
        trim,
      ];
    case "CREATE_COMPLETE":
      return [forgetPlan, trim];
    case "UPDATE_ROLLBACK_COMPLETE":
      return [forgetNext, forgetPlan, trim];
    case "DELETE_COMPLETE":
      return [
        forgetNext,
        forgetPlan,
        { op: "removeParts", stackId: id, kind: "changeSet" },
        { op: "setExports", stackId: id, exports: [] },
        { op: "setImports", stackId: id, names: [] },
        trim,
      ];
    default:
      return [trim];
  }
}

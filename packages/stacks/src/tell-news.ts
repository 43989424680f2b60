/** Takes the results of commands. */
import type { Draft } from "./draft.ts";
import { fail } from "./forward.ts";
import { failRemoval, gone } from "./removal.ts";
import type { Command, MadeNews, News } from "./run.ts";
import type { StackResource } from "./stack-resource.ts";

type Result = Extract<News, { kind: "done" | "failed" }>;

/** False: it is the result of no pending command. */
export function tellResult(draft: Draft, news: Result): boolean {
  const command = draft.takePending(news.token);
  if (command === null) return false;
  const row = draft.row(command.key);
  if (row === undefined) return true;
  if (command.action === "remove") {
    if (news.kind === "done") gone(draft, row, "DELETE_COMPLETE");
    else failRemoval(draft, row, news.reason);
  } else if (command.action === "create") tellCreated(draft, row, command, news);
  else tellUpdated(draft, row, command, news);
  return true;
}

/** While nothing more is begun, whatever ends is cancelled, as AWS tells it: a rollback is to come. */
function tellCreated(draft: Draft, row: StackResource, command: Command, news: Result): void {
  const isReplacement = row.status === "UPDATE_IN_PROGRESS";
  if (news.kind === "failed") {
    const left = { ...row, physicalId: news.physicalId, isIncomplete: true };
    failOrCancel(draft, left, news.reason);
    return;
  }
  const made = madeRow(row, news.made, command.token);
  draft.tell(made, row.status, "Resource creation Initiated");
  if (draft.head.stopReason !== null) failOrCancel(draft, { ...made, isIncomplete: true }, "");
  else draft.show(made, isReplacement ? "UPDATE_COMPLETE" : "CREATE_COMPLETE");
}

function failOrCancel(draft: Draft, row: StackResource, reason: string): void {
  const what = row.status === "CREATE_IN_PROGRESS" ? "creation" : "update";
  fail(draft, row, draft.head.stopReason === null ? reason : `Resource ${what} cancelled`);
}

function madeRow(row: StackResource, made: MadeNews | null, token: string): StackResource {
  const { physicalId, ref, attributes } = made ?? { physicalId: row.physicalId ?? token, ref: null, attributes: {} };
  return { ...row, physicalId, ref, attributes };
}

function tellUpdated(draft: Draft, row: StackResource, command: Command, news: Result): void {
  const isBack = draft.head.phase === "back";
  if (news.kind === "failed") {
    if (isBack) {
      draft.set({ failures: { ...draft.head.failures, [row.key]: 1 } });
      fail(draft, row, news.reason);
    } else failOrCancel(draft, row, news.reason);
    return;
  }
  const made = { ...madeRow(row, news.made, command.token), staleKeys: [] };
  if (command.action === "update" && made.physicalId !== command.existing.physicalId) leaveOld(draft, row, made);
  if (isBack) draft.show({ ...made, before: null }, "UPDATE_COMPLETE");
  else if (draft.head.stopReason !== null) failOrCancel(draft, made, "");
  else draft.show(made, "UPDATE_COMPLETE");
}

/** A custom resource may name another thing when it is updated: the clean-up removes the old one. */
function leaveOld(draft: Draft, row: StackResource, made: StackResource): void {
  for (const other of draft.rows()) {
    const isSame = other.logicalId === row.logicalId && other.physicalId === made.physicalId;
    if (isSame && other.isObsolete) draft.remove(other);
  }
  const { physicalId, ref, attributes } = row;
  const left = draft.add({ ...made, physicalId, ref, attributes });
  draft.put({ ...left, isObsolete: true });
}

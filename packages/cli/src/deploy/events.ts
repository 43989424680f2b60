/** Follows a run of a stack: a line for each resource that is made, changed or removed, and how it ended. */
import { DescribeStackEventsCommand, type StackEvent } from "@aws-sdk/client-cloudformation";
import { setTimeout as delay } from "node:timers/promises";
import type { StackClients } from "../aws-clients.ts";

export interface Ended {
  /** Such as `UPDATE_COMPLETE`. */
  readonly status: string;
  /** The first resource that failed, with the reason; null: none did. */
  readonly failure: string | null;
}

type Progress = (line: string) => void;

const POLL_MS = 250;
const STILL_EVERY_MS = 5000;
const DONE: Readonly<Record<string, string>> = {
  CREATE_COMPLETE: "created",
  UPDATE_COMPLETE: "updated",
  DELETE_COMPLETE: "deleted",
  DELETE_SKIPPED: "stays, for its DeletionPolicy says so",
  IMPORT_COMPLETE: "imported",
};
/** A version that is left goes all the same where its function does. */
const LEFT_VERSION = "is left to its function, and goes with it";
/** What others' failures do to a resource is no failure of its own. */
const CANCELLED = /^Resource (?:creation|update|deletion) cancelled/;

/** `token`: that the run was begun with, which its events bear. */
export async function followRun(
  { stacks }: StackClients,
  stackId: string,
  token: string,
  progress: Progress,
): Promise<Ended> {
  const run = new Run(stackId, progress);
  const seen = new Set<string>();
  for (;;) {
    for (const event of await newEvents(stacks, stackId, token, seen)) {
      const ended = run.take(event);
      if (ended !== null) return ended;
    }
    run.tellWaiting(Date.now());
    await delay(POLL_MS);
  }
}

/** Oldest first. Pages are newest first, and are read as far as the last look. */
async function newEvents(
  stacks: StackClients["stacks"],
  stackId: string,
  token: string,
  seen: Set<string>,
): Promise<readonly StackEvent[]> {
  const found: StackEvent[] = [];
  let next: string | undefined;
  do {
    const page = await stacks.send(new DescribeStackEventsCommand({ StackName: stackId, NextToken: next }));
    const events = page.StackEvents ?? [];
    const fresh = events.filter(
      ({ EventId = "", ClientRequestToken }) => !seen.has(EventId) && ClientRequestToken === token,
    );
    found.push(...fresh);
    // Older pages hold what was seen before, or what another run did.
    next = fresh.length === events.length ? page.NextToken : undefined;
  } while (next !== undefined);
  for (const { EventId = "" } of found) seen.add(EventId);
  return found.toReversed();
}

class Run {
  readonly #stackId: string;
  readonly #progress: Progress;
  readonly #begun = new Map<string, { readonly event: StackEvent; readonly atMs: number; nextMs: number }>();
  #failure: string | null = null;

  constructor(stackId: string, progress: Progress) {
    this.#stackId = stackId;
    this.#progress = progress;
  }

  /** Gives the end where the event is that of the run. */
  take(event: StackEvent): Ended | null {
    const { ResourceStatus: status = "", ResourceStatusReason: reason = "" } = event;
    if (event.PhysicalResourceId === this.#stackId) {
      if (!status.endsWith("_IN_PROGRESS"))
        return { status, failure: this.#failure ?? (reason === "" ? null : reason) };
      if (status.includes("ROLLBACK") && !status.includes("CLEANUP"))
        this.#progress(`rolling back${this.#failure === null ? "" : ":"} ${this.#failure ?? ""}`.trimEnd());
      return null;
    }
    const id = event.LogicalResourceId ?? "";
    const atMs = event.Timestamp?.getTime() ?? 0;
    if (status.endsWith("_IN_PROGRESS")) {
      const before = this.#begun.get(id);
      if (before === undefined) this.#begun.set(id, { event, atMs, nextMs: Date.now() + STILL_EVERY_MS });
      return null;
    }
    const begun = this.#begun.get(id);
    this.#begun.delete(id);
    const seconds = begun === undefined ? "" : ` (${((atMs - begun.atMs) / 1000).toFixed(1)} s)`;
    const what = `${id} ${event.ResourceType ?? ""}${nameOf(event)}`;
    if (!status.endsWith("_FAILED")) this.#progress(`  ${what}: ${doneIn(event) ?? status}${seconds}`);
    else if (!CANCELLED.test(reason)) {
      this.#failure ??= `${id} (${event.ResourceType ?? ""}): ${reason}`;
      this.#progress(`  ${what}: ${status}: ${reason}`);
    }
    return null;
  }

  /** Says what takes long, such as a snapshot. */
  tellWaiting(nowMs: number): void {
    for (const [id, begun] of this.#begun) {
      if (nowMs < begun.nextMs) continue;
      begun.nextMs = nowMs + STILL_EVERY_MS;
      this.#progress(`  ${id} ${begun.event.ResourceType ?? ""}: ${begun.event.ResourceStatus ?? ""} …`);
    }
  }
}

function doneIn({ ResourceStatus: status, ResourceType: type }: StackEvent): string | undefined {
  return status === "DELETE_SKIPPED" && type === "AWS::Lambda::Version" ? LEFT_VERSION : DONE[status ?? ""];
}

/** The thing's own name, where it says more than the logical id: `orders:3` of a version's ARN. */
function nameOf({ PhysicalResourceId: physical = "", LogicalResourceId: logical }: StackEvent): string {
  if (physical === "" || physical === logical) return "";
  const arn = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:function:|layer:)?(.+)$/.exec(physical);
  return ` ${arn?.[1] ?? physical}`;
}

/** A step in the making: head and rows as they become, and what is to be told of it. */
import type { Command, EventDraft, Head, Run, RunContext, StackStatus, Step } from "./run.ts";
import type { Plan } from "./planned.ts";
import type { ResourceFacts } from "./scope.ts";
import type { ResourceStatus, StackResource } from "./stack-resource.ts";
import { attributeOf } from "./values.ts";

/** Commands at once: what one server may do beside its calls. */
const PENDING_MAX = 8;
const STACK_TYPE = "AWS::CloudFormation::Stack";
/** `Head.stopReason` where resources failed: the text names them when all has ended. */
export const RESOURCES_FAILED = "resources failed";

/** What a row needs beside what it gets by itself. */
type OwnMember = "key" | "staleKeys" | "run" | "madeSince" | "isObsolete" | "isIncomplete" | "before" | "updatedAtMs";
export type NewRow = Omit<StackResource, OwnMember>;

type Action = Command extends infer Each
  ? Each extends Command
    ? Omit<Each, "token" | "key" | "logicalId" | "type">
    : never
  : never;

export class Draft {
  head: Head;
  readonly plan: Plan | null;
  readonly context: RunContext;
  readonly #rows: Map<string, StackResource>;
  /** Keys of the rows that stand for a logical id. */
  readonly #current = new Map<string, string>();
  readonly #put = new Map<string, StackResource>();
  readonly #removed = new Set<string>();
  readonly #events: EventDraft[] = [];
  readonly #commands: Command[] = [];
  readonly #abort: string[] = [];

  constructor({ head, resources, plan }: Run, context: RunContext) {
    this.head = head;
    this.plan = plan;
    this.context = context;
    this.#rows = new Map(resources);
    for (const row of resources.values()) if (!row.isObsolete) this.#current.set(row.logicalId, row.key);
  }

  /** Of all things, those too that something took the place of. */
  rows(): readonly StackResource[] {
    return [...this.#rows.values()];
  }

  row(key: string): StackResource | undefined {
    return this.#rows.get(key);
  }

  current(logicalId: string): StackResource | undefined {
    const key = this.#current.get(logicalId);
    return key === undefined ? undefined : this.#rows.get(key);
  }

  isPending(key: string): boolean {
    return this.head.pending.some((command) => command.key === key);
  }

  get hasRoom(): boolean {
    return this.head.pending.length < PENDING_MAX;
  }

  set(change: Partial<Head>): void {
    this.head = { ...this.head, ...change };
  }

  /** Writes a row; gives it as it was written. */
  put(row: StackResource): StackResource {
    const written = { ...row, updatedAtMs: this.context.nowMs };
    this.#rows.set(row.key, written);
    this.#put.set(row.key, written);
    this.#removed.delete(row.key);
    if (!row.isObsolete) this.#current.set(row.logicalId, row.key);
    else if (this.#current.get(row.logicalId) === row.key) this.#current.delete(row.logicalId);
    return written;
  }

  add(row: NewRow): StackResource {
    const { run, base } = this.head;
    const key = `${row.logicalId}.${this.#count()}`;
    const state = {
      run,
      staleKeys: [],
      madeSince: base,
      isObsolete: false,
      isIncomplete: false,
      before: null,
      updatedAtMs: 0,
    };
    return this.put({ ...row, key, ...state });
  }

  remove({ key, logicalId }: StackResource): void {
    this.#rows.delete(key);
    this.#put.delete(key);
    this.#removed.add(key);
    if (this.#current.get(logicalId) === key) this.#current.delete(logicalId);
  }

  /** Writes the row with a status, and tells it. */
  show(row: StackResource, status: ResourceStatus, reason: string | null = null): StackResource {
    const written = this.put({ ...row, status, statusReason: reason, run: this.head.run });
    this.tell(written, status, reason);
    return written;
  }

  /** Tells a status of a row that need not be its own. */
  tell(row: StackResource, status: ResourceStatus, reason: string | null = null): void {
    const { logicalId, type, properties } = row;
    this.#events.push({ logicalId, physicalId: row.physicalId ?? "", type, status, reason, properties });
  }

  /** Gives the stack a status, and tells it. */
  showStack(status: StackStatus, reason: string | null = null): void {
    this.set({ status, statusReason: reason });
    this.#events.push({ logicalId: null, physicalId: "", type: STACK_TYPE, status, reason, properties: null });
  }

  command({ key, logicalId, type }: StackResource, action: Action): void {
    const token = `${this.head.run}-${this.#count()}`;
    const command = { token, key, logicalId, type, ...action };
    this.#commands.push(command);
    this.set({ pending: [...this.head.pending, command] });
  }

  /** Gives a pending command, which is none any more; null: it was none. */
  takePending(token: string): Command | null {
    const command = this.head.pending.find((each) => each.token === token) ?? null;
    if (command !== null) this.set({ pending: this.head.pending.filter((each) => each !== command) });
    return command;
  }

  /** Begins nothing more in this phase; what is pending need not be finished. */
  stop(reason: string): void {
    if (this.head.stopReason !== null) return;
    this.set({ stopReason: reason });
    this.#abort.push(...this.head.pending.map(({ token }) => token));
  }

  /** Keys of the rows that stand for logical ids. */
  keysOf(logicalIds: readonly string[]): readonly string[] {
    return logicalIds.flatMap((id) => this.#current.get(id) ?? []);
  }

  /** What is known of resources: all that are there. Keys of those that are asked for are added to `asked`. */
  facts(asked: Set<string> = new Set()): ResourceFacts {
    const find = (id: string): StackResource | undefined => {
      const row = this.current(id);
      if (row !== undefined) asked.add(row.key);
      return row;
    };
    return {
      ref: (id) => {
        const row = find(id);
        return row?.ref ?? row?.physicalId ?? undefined;
      },
      attribute: (id, name) => attributeOf(find(id)?.attributes ?? {}, name),
    };
  }

  step(): Step {
    return {
      head: this.head,
      put: this.#put,
      removed: [...this.#removed],
      events: this.#events,
      commands: this.#commands,
      abort: this.#abort,
    };
  }

  #count(): number {
    this.set({ count: this.head.count + 1 });
    return this.head.count;
  }
}

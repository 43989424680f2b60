/**
 * Carries out the runs of a scope's stacks: commits each step that the machine decides (packages/stacks), calls the
 * handlers of its commands, and tells it their results.
 *
 * A step is one commit, and commands are carried out after it. What a server had begun when it died is among the
 * commands of the last commit, and is carried out again at the start of the next one, with the same tokens.
 */
import { begin, next } from "@thaw/stacks/next";
import type { Command, News, Operation, RunContext, Step } from "@thaw/stacks/run";
import type { Plan } from "@thaw/stacks/plan";
import type { Secret } from "@thaw/stacks/secrets";
import { parseStackPolicy, type StackPolicy } from "@thaw/stacks/stack-policy";
import type { StackResource } from "@thaw/stacks/stack-resource";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { StackAddresses, StackRecord } from "../model/stack-record.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import type { MetadataStore, Stored } from "../ports/metadata-store.ts";
import type { PassedServices } from "../ports/passed-services.ts";
import type { ServiceCalls } from "../ports/service-calls.ts";
import type { ServiceDoor } from "../ports/service-door.ts";
import type { StackEdit, Stacks } from "../ports/stacks.ts";
import type { StackWrite } from "../ports/stack-store.ts";
import { carryOut, reasonOf } from "./carry-out.ts";
import { ownAddresses } from "./fill-values.ts";
import { createHandlers, type Handlers } from "./handlers/create-handlers.ts";
import { HandlerError } from "./handlers/handler.ts";
import { DELETED_KEPT_MS } from "./left-work.ts";
import { SecretBox } from "./secret-box.ts";
import { withEvents, writesOfStep } from "./step-writes.ts";

export type AddressOf = (label: keyof StackAddresses, id: string) => string;

export interface StackEngineParts {
  readonly scope: AccountScope;
  readonly store: Pick<MetadataStore, "stacks" | "nextCommit">;
  /** Services of the scope; addresses in their answers are made by `addressOf`. */
  readonly services: (addressOf: AddressOf) => ServiceCalls;
  readonly keys: KeyProvider;
  /** The installation's own secret. */
  readonly secret: Buffer;
  readonly clock: Clock;
  readonly random: Random;
  readonly onProblem: (what: string, error: unknown) => void;
  /** Where custom resources answer; null: functions can't reach the server. */
  readonly door: ServiceDoor | null;
  /** Says whether a function reaches the services of this server (`--allow-services`). */
  readonly callsServices: (scope: AccountScope, functionName: string) => boolean;
  /** Services that resources are passed through to. */
  readonly passed: Pick<PassedServices, "hasEndpoint">;
  /** In place of all that there are. */
  readonly handlers?: Handlers;
}

/** A run that goes on, in memory. */
interface Running {
  readonly resources: Map<string, StackResource>;
  plan: Plan | null;
  secrets: readonly Secret[];
  readonly actions: Map<string, AbortController>;
  /** Ends the waiting for the stack's deadline. */
  stopClock: () => void;
}

const DELETED_AT_ONCE = 100;
/** Exports of other stacks that a step looks at; AWS has 10,000 stacks an account at most, whatever their exports. */
const EXPORTS_MAX = 10_000;
/** Between tries of a commit that the store could not carry out. */
const RETRY_MS = 1000;

export class StackEngine implements Stacks {
  readonly types: Handlers;
  readonly #parts: StackEngineParts;
  readonly #box: SecretBox;
  readonly #running = new Map<string, Running>();
  /** End of the last change of each stack. */
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #actions = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(parts: StackEngineParts) {
    this.#parts = parts;
    this.#box = new SecretBox(parts);
    this.types = parts.handlers ?? createHandlers(parts);
  }

  /** Takes up the runs that the last life of the server left, and forgets stacks that were deleted long ago. */
  async recover(): Promise<void> {
    const { store } = this.#parts;
    await this.#forgetDeleted();
    for (const record of await store.stacks.listRunning()) {
      const running = await this.#load(record);
      this.#running.set(record.id, running);
      this.#watchDeadline(record, running);
      for (const command of record.head?.pending ?? []) this.#carryOut(record, running, command, true);
    }
  }

  /** Stops what handlers wait for; the runs go on at the next start. */
  async close(): Promise<void> {
    this.#closing.abort(new HandlerError("the server is stopping"));
    for (const running of this.#running.values()) {
      running.stopClock();
      for (const action of running.actions.values()) action.abort(this.#closing.signal.reason);
    }
    while (this.#actions.size > 0) await Promise.all(this.#actions);
    await Promise.allSettled(this.#last.values());
  }

  digest(text: string): string {
    return this.#box.digest(text);
  }

  seal: Stacks["seal"] = (stackId, secrets) => this.#box.seal(stackId, secrets);
  open: Stacks["open"] = (stackId, sealed) => this.#box.open(stackId, sealed);

  async add<T>(edit: StackEdit<T> & { readonly record: StackRecord }): Promise<T | null> {
    await this.#forgetDeleted();
    return this.#exclusive(edit.record.id, async () =>
      (await this.#carry(null, edit.record, edit)) ? edit.result : null,
    );
  }

  change<T>(stackId: string, decide: (stack: Stored<StackRecord>) => Promise<StackEdit<T>> | StackEdit<T>): Promise<T> {
    return this.#exclusive(stackId, async () => {
      for (;;) {
        const over = await this.#find(stackId);
        const edit = await decide(over);
        if (edit.record === null || (await this.#carry(over, edit.record, edit))) return edit.result;
      }
    });
  }

  async forget(stackId: string): Promise<void> {
    await this.#exclusive(stackId, async () => {
      const record = await this.#parts.store.stacks.getStack(stackId);
      if (record?.head === null) await this.#parts.store.stacks.commit([{ op: "removeStack", record }]);
    });
  }

  cancel(stackId: string): Promise<void> {
    return this.#exclusive(stackId, () => this.#hear(stackId, { kind: "cancel" }));
  }

  async untilStatusChanges({ id, status }: Pick<StackRecord, "id" | "status">, afterMs: number): Promise<void> {
    const { clock, store } = this.#parts;
    let isOver = this.#closing.signal.aborted;
    let wake = (): void => undefined;
    const timeUp = new Promise<void>((resolve) => (wake = resolve));
    const end = (): void => {
      isOver = true;
      wake();
    };
    const cancel = clock.after(afterMs, end);
    this.#closing.signal.addEventListener("abort", end);
    try {
      while (!isOver) {
        const heard = store.nextCommit();
        if ((await store.stacks.getStack(id))?.status !== status) return;
        await Promise.race([heard, timeUp]);
      }
    } finally {
      cancel();
      this.#closing.signal.removeEventListener("abort", end);
    }
  }

  /** Commits an edit and the first step of its operation. False where another writer was first. */
  async #carry(
    over: Stored<StackRecord> | null,
    record: StackRecord,
    edit: Pick<StackEdit<unknown>, "writes" | "events" | "operation">,
  ): Promise<boolean> {
    const { clock, random } = this.#parts;
    const told = withEvents(record, edit.events ?? [], clock.nowMs(), () => random.uuid());
    const writes = [...(edit.writes ?? []), ...told.writes];
    if (edit.operation === undefined) return this.#commit(over, told.record, writes);
    return this.#begin(over, told.record, writes, edit.operation);
  }

  async #begin(
    over: Stored<StackRecord> | null,
    record: StackRecord,
    writes: readonly StackWrite[],
    operation: Operation,
  ): Promise<boolean> {
    const { store } = this.#parts;
    const rows = over === null ? [] : await store.stacks.listParts(record.id, "resource");
    const resources = new Map(rows.map((row) => [row.key, row]));
    const plan = "plan" in operation ? operation.plan : await store.stacks.getPart(record.id, "plan", "run");
    const step = begin({ head: record.head, resources }, operation, await this.#context(record));
    const planWrite: readonly StackWrite[] =
      "plan" in operation
        ? [{ op: "putPart", stackId: record.id, kind: "plan", key: "run", part: operation.plan }]
        : [];
    const written = await this.#written(record, step, plan);
    if (!(await this.#commit(over, written.record, [...writes, ...planWrite, ...written.writes]))) return false;
    const before = this.#running.get(record.id);
    const running: Running = {
      resources,
      plan,
      secrets: await this.#secretsOf(record.id),
      actions: before?.actions ?? new Map(),
      stopClock: () => undefined,
    };
    before?.stopClock();
    this.#running.set(record.id, running);
    this.#watchDeadline(written.record, running);
    this.#goOn(written.record, running, step);
    return true;
  }

  /** Commits the stack with what comes with it: its row is first, for the others refer to it. */
  async #commit(
    over: Stored<StackRecord> | null,
    record: StackRecord,
    writes: readonly StackWrite[],
  ): Promise<boolean> {
    return (await this.#parts.store.stacks.commit([{ op: "putStack", record, over }, ...writes])) === "done";
  }

  async #written(record: StackRecord, step: Step, plan: Plan | null) {
    const { store, clock, random } = this.#parts;
    const { id, head } = record;
    const outputs = step.head.outputs;
    const isNew = outputs !== null && JSON.stringify(outputs) !== JSON.stringify(head?.outputs ?? null);
    const isUpdated = step.head.phase === "end" && step.head.status === "UPDATE_COMPLETE";
    return writesOfStep({
      record,
      step,
      nowMs: clock.nowMs(),
      newId: () => random.uuid(),
      outputs: isNew ? await Promise.all(outputs.map((each) => this.#shown(record, each))) : null,
      imports: plan === null ? [] : Object.keys(plan.target.imports),
      next: isUpdated ? await store.stacks.getPart(id, "source", "next") : null,
    });
  }

  async #shown<T extends { readonly value: string }>(record: StackRecord, output: T): Promise<T> {
    const addressOf = addressesOf(record);
    const services = this.#parts.services(addressOf);
    const { region } = this.#parts.scope;
    return { ...output, value: await ownAddresses(output.value, { services, region, addressOf }) };
  }

  /** After a step was committed. */
  #goOn(record: StackRecord, running: Running, step: Step): void {
    for (const [key, row] of step.put) running.resources.set(key, row);
    for (const key of step.removed) running.resources.delete(key);
    for (const token of step.abort) running.actions.get(token)?.abort(new HandlerError("Resource action cancelled"));
    if (step.head.phase === "end") {
      running.stopClock();
      this.#running.delete(record.id);
      return;
    }
    for (const command of step.commands) this.#carryOut(record, running, command, false);
  }

  #carryOut(record: StackRecord, running: Running, command: Command, isRetry: boolean): void {
    const action = new AbortController();
    running.actions.set(command.token, action);
    const done = this.#newsOf(record, running, command, { isRetry, signal: action.signal }).then(async (news) => {
      running.actions.delete(command.token);
      // What was stopped with the server has no result: the next start carries it out again.
      if (!this.#closing.signal.aborted) await this.#tell(record.id, news);
    });
    this.#actions.add(done);
    void done.finally(() => this.#actions.delete(done));
  }

  async #newsOf(
    record: StackRecord,
    { secrets }: Running,
    command: Command,
    how: { readonly isRetry: boolean; readonly signal: AbortSignal },
  ): Promise<News> {
    const { token } = command;
    try {
      const addressOf = addressesOf(record);
      const { scope, store, clock, services } = this.#parts;
      const made = await carryOut(command, {
        ...how,
        scope,
        store,
        clock,
        stack: record,
        handlers: this.types,
        fill: { services: services(addressOf), secrets, region: scope.region, addressOf },
      });
      return { kind: "done", token, made };
    } catch (error) {
      const physicalId = error instanceof HandlerError ? error.physicalId : null;
      const reason = reasonOf(error, record.id, command);
      if (reason === null && !this.#closing.signal.aborted)
        this.#parts.onProblem(`${command.action} ${command.logicalId} of the stack ${record.name}`, error);
      return { kind: "failed", token, reason: reason ?? "Internal Failure", physicalId };
    }
  }

  /** Tries until the store takes it: a result that got lost would leave the run where it is. */
  async #tell(stackId: string, news: News): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        return await this.#exclusive(stackId, () => this.#hear(stackId, news));
      } catch (error) {
        this.#parts.onProblem(`the run of ${stackId}`, error);
        await new Promise<void>((resolve) => {
          const cancel = this.#parts.clock.after(RETRY_MS, resolve);
          this.#closing.signal.addEventListener("abort", () => (cancel(), resolve()), { once: true });
        });
      }
    }
  }

  async #hear(stackId: string, news: News): Promise<void> {
    for (;;) {
      const running = this.#running.get(stackId);
      if (running === undefined) return;
      const over = await this.#find(stackId);
      if (over.head === null) return;
      const { resources, plan } = running;
      const step = next({ head: over.head, resources, plan }, news, await this.#context(over));
      const { record, writes } = await this.#written(over, step, plan);
      if (!(await this.#commit(over, record, writes))) continue;
      return this.#goOn(record, running, step);
    }
  }

  async #context(record: StackRecord): Promise<RunContext> {
    const { id } = record;
    const { store, clock } = this.#parts;
    const all = await store.stacks.listExports("", EXPORTS_MAX);
    const own = all.filter(({ stackId }) => stackId === id);
    const importers = new Map<string, readonly string[]>();
    for (const { name } of own) importers.set(name, await store.stacks.listImporters(name));
    const foreign = all.filter(({ stackId }) => stackId !== id);
    return {
      types: this.types,
      nowMs: clock.nowMs(),
      foreignExports: new Map(foreign.map(({ name, stackId }) => [name, nameOf(stackId)])),
      importers,
      ownExports: new Map(own.map(({ name, value }) => [name, value])),
      policy: policyOf(record),
    };
  }

  async #load({ id }: StackRecord): Promise<Running> {
    const { stacks } = this.#parts.store;
    const rows = await stacks.listParts(id, "resource");
    return {
      resources: new Map(rows.map((row) => [row.key, row])),
      plan: await stacks.getPart(id, "plan", "run"),
      secrets: await this.#secretsOf(id),
      actions: new Map(),
      stopClock: () => undefined,
    };
  }

  /** Those of what the stack is made of and of what it is to be made of: a rollback needs the former. */
  async #secretsOf(id: string): Promise<readonly Secret[]> {
    const { stacks } = this.#parts.store;
    const sources = [await stacks.getPart(id, "source", "current"), await stacks.getPart(id, "source", "next")];
    const opened = await Promise.all(sources.map((source) => this.open(id, source?.secrets ?? null)));
    return opened.flat();
  }

  #watchDeadline({ id, deadlineMs }: StackRecord, running: Running): void {
    if (deadlineMs === null) return;
    const { clock } = this.#parts;
    running.stopClock = clock.after(deadlineMs - clock.nowMs(), () => {
      const told = this.#tell(id, { kind: "timeout" });
      this.#actions.add(told);
      void told.finally(() => this.#actions.delete(told));
    });
  }

  async #forgetDeleted(): Promise<void> {
    const { store, clock } = this.#parts;
    const old = await store.stacks.listDeleted(clock.nowMs() - DELETED_KEPT_MS, DELETED_AT_ONCE);
    for (const record of old) await store.stacks.commit([{ op: "removeStack", record }]);
  }

  async #find(stackId: string): Promise<Stored<StackRecord>> {
    const found = await this.#parts.store.stacks.getStack(stackId);
    if (found === null) throw new Error(`there is no stack ${stackId}`);
    return found;
  }

  async #exclusive<T>(stackId: string, change: () => Promise<T>): Promise<T> {
    const before = this.#last.get(stackId) ?? Promise.resolve();
    const own = before.then(change);
    const ended = own.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(stackId, ended);
    try {
      return await own;
    } finally {
      if (this.#last.get(stackId) === ended) this.#last.delete(stackId);
    }
  }
}

/** In force for an update. One that an earlier version took unread, and that says nothing, allows nothing. */
function policyOf({ policy, updatePolicies }: StackRecord): StackPolicy {
  try {
    return parseStackPolicy(updatePolicies?.during ?? policy ?? "{}");
  } catch {
    return [];
  }
}

/** Made for the client that began the run. */
function addressesOf({ request }: StackRecord): AddressOf {
  return (label, id) => (request?.addresses[label] ?? "").replace("{id}", id);
}

/** `arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID` */
function nameOf(stackId: string): string {
  return stackId.split("/")[1] ?? stackId;
}

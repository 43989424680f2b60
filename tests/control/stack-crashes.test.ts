/** Runs of stacks over a server that dies before or after any of its commits: each ends as if it had not. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "@thaw/server/testing/base";
import { NO_PASSED_SERVICES } from "@thaw/server/testing/ports";
import { type Handler, HandlerError, type Handlers, StackEngine } from "@thaw/server/testing/stacks";
import { openSqliteStore } from "@thaw/server/testing/store";
import { FAKE_TYPES, PLACE, preparedOf } from "@thaw/stacks/fake-types";
import { plan } from "@thaw/stacks/plan";
import type { Operation } from "@thaw/stacks/run";
import type { TemplateMap } from "@thaw/template/value";

type Store = ReturnType<typeof openSqliteStore>;

const ID = PLACE.stackId;

/** What there is outside of the server, and lives on. */
class Outside {
  readonly things = new Map<string, { readonly logicalId: string; readonly properties: TemplateMap }>();
  /** Things by the token of what made them, as a handler finds again what it has made. */
  readonly #made = new Map<string, string>();
  failing: ReadonlySet<string> = new Set();

  /** `pause` never resolves once the server is dead. */
  handlers(pause: () => Promise<void>): Handlers {
    const refuse = (logicalId: string): void => {
      if (this.failing.has(logicalId)) throw new HandlerError(`${logicalId} fails`);
    };
    const made = (physicalId: string) => ({ physicalId, attributes: { Arn: `arn:${physicalId}` } });
    const handlerOf = (name: string): Handler | null => {
      const type = FAKE_TYPES.find(name);
      if (type === null) return null;
      return {
        type,
        create: async (properties, { token, logicalId }) => {
          await pause();
          refuse(logicalId);
          const physicalId = this.#made.get(token) ?? `${logicalId}-${token}`;
          this.#made.set(token, physicalId);
          this.things.set(physicalId, { logicalId, properties });
          await pause();
          return made(physicalId);
        },
        update: async ({ physicalId }, properties, { logicalId }) => {
          await pause();
          refuse(logicalId);
          this.things.set(physicalId, { logicalId, properties });
          await pause();
          return made(physicalId);
        },
        remove: async ({ physicalId }) => {
          await pause();
          this.things.delete(physicalId);
          await pause();
        },
      };
    };
    return { ...FAKE_TYPES, handlerOf };
  }
}

/** When the server dies: before the commit of this number is made, or after it. */
interface Death {
  readonly commit: number;
  readonly isAfter: boolean;
}

const FOREVER = new Promise<never>(() => undefined);

/** What a server finds at its start, and leaves. */
interface World extends AsyncDisposable {
  readonly store: Store;
  readonly outside: Outside;
}

function newWorld(): World {
  const directory = mkdtempSync(join(tmpdir(), "thaw-stack-crashes-"));
  const store = openSqliteStore(join(directory, "thaw.db"));
  return {
    store,
    outside: new Outside(),
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** One life of the server. Whatever it would do after its death never comes to its end. */
class Server {
  readonly engine: StackEngine;
  readonly #died = Promise.withResolvers<void>();
  readonly died = this.#died.promise;
  isDead = false;
  commits = 0;

  constructor({ store, outside }: World, death: Death | null) {
    const alive = async (): Promise<void> => {
      if (this.isDead) await FOREVER;
    };
    const die = (): Promise<never> => {
      this.isDead = true;
      this.#died.resolve();
      return FOREVER;
    };
    const { stacks } = store;
    const commit: Store["stacks"]["commit"] = async (writes) => {
      await alive();
      const isLast = ++this.commits === death?.commit;
      if (isLast && !death.isAfter) return die();
      const done = await stacks.commit(writes);
      return isLast ? die() : done;
    };
    let uuids = 0;
    this.engine = new StackEngine({
      scope: { accountId: PLACE.accountId, region: PLACE.region },
      store: {
        stacks: new Proxy(stacks, {
          get: (target, name) => (name === "commit" ? commit : bound(target, name as keyof Store["stacks"])),
        }),
        nextCommit: () => store.nextCommit(),
      },
      services: () => ({ call: () => Promise.reject(new Error("there are no services")) }),
      keys: { generate: () => FOREVER, unwrap: () => FOREVER },
      secret: Buffer.alloc(32, 7),
      door: null,
      callsServices: () => false,
      passed: NO_PASSED_SERVICES,
      clock: systemClock,
      random: { uuid: () => `uuid-${++uuids}`, fraction: () => 0, bytes: (count) => Buffer.alloc(count) },
      onProblem: () => undefined,
      handlers: outside.handlers(alive),
    });
  }
}

function bound(target: Store["stacks"], name: keyof Store["stacks"]): unknown {
  const member: unknown = target[name];
  return typeof member === "function" ? (member.bind(target) as unknown) : member;
}

type Wish = (world: World) => Promise<Operation>;

/** Carries out an operation to its end, over the death of a server. Gives the commits of the first one. */
async function carryOut(world: World, wish: Wish, death: Death | null): Promise<number> {
  const { store } = world;
  const operation = await wish(world);
  const run = ((await store.stacks.getStack(ID))?.head?.run ?? 0) + 1;
  const first = new Server(world, death);
  await Promise.race([begin(world, first, operation).then(() => ended(world, run)), first.died]);
  if (!first.isDead) {
    await first.engine.close();
    return first.commits;
  }
  const second = new Server(world, null);
  await second.engine.recover();
  const isBegun = (await store.stacks.getStack(ID))?.head?.run === run;
  // Who gets no answer asks again.
  if (!isBegun) await begin(world, second, operation);
  await ended(world, run);
  await second.engine.close();
  return first.commits;
}

async function begin({ store }: World, { engine }: Server, operation: Operation): Promise<void> {
  const record = await store.stacks.getStack(ID);
  if (record === null) await engine.add({ record: NEW_STACK, operation, result: null });
  else await engine.change(ID, (over) => ({ record: over, operation, result: null }));
}

async function ended({ store }: World, run: number): Promise<void> {
  for (;;) {
    const heard = store.nextCommit();
    const head = (await store.stacks.getStack(ID))?.head;
    if (head?.run === run && head.phase === "end") return;
    await heard;
  }
}

const NEW_STACK = {
  id: ID,
  name: PLACE.stackName,
  status: "REVIEW_IN_PROGRESS",
  statusReason: null,
  createdAtMs: 1,
  updatedAtMs: null,
  deletedAtMs: null,
  head: null,
  outputs: [],
  isTerminationProtected: false,
  isRollbackDisabled: false,
  deadlineMs: null,
  timeoutMinutes: null,
  parentId: null,
  rootId: null,
  changeSetId: null,
  policy: null,
  lastEventMs: 0,
  request: null,
} as const;

const ONE = `Resources:
  Role: { Type: AWS::IAM::Role, Properties: { Path: /a/ } }
  Thing: { Type: Custom::Thing, DependsOn: Other, Properties: { Role: !Ref Role, V: 1 } }
  Other: { Type: Custom::Thing, Properties: { V: 1 } }
Outputs: { Thing: { Value: !Ref Thing } }
`;
/** Replaces, changes, adds and removes. */
const TWO = `Resources:
  Role: { Type: AWS::IAM::Role, Properties: { Path: /b/ } }
  Thing: { Type: Custom::Thing, Properties: { Role: !Ref Role, V: 2 } }
  Last: { Type: Custom::Thing, Properties: { Of: !GetAtt Thing.Arn } }
`;

function deploying(kind: "create" | "update", body: string): Wish {
  return async ({ store }) => {
    const resources = await store.stacks.listParts(ID, "resource");
    const planned = plan({ target: preparedOf(body), previous: null, resources, types: FAKE_TYPES });
    return { kind, plan: planned, onFailure: "ROLLBACK", retainExceptOnCreate: false };
  };
}

/** What there is, with names in the place of ids, and what was told of the stack. */
async function endOf({ store, outside }: World): Promise<unknown> {
  const nameOf = (text: string): string =>
    [...outside.things].reduce((named, [id, { logicalId }]) => named.replaceAll(id, `<${logicalId}>`), text);
  const things = [...outside.things.values()].map((each) => nameOf(JSON.stringify(each))).toSorted();
  const record = await store.stacks.getStack(ID);
  const events = await store.stacks.listEvents(ID, Number.MAX_SAFE_INTEGER, 1000);
  const rows = await store.stacks.listParts(ID, "resource");
  return {
    things,
    status: record?.status,
    pending: record?.head?.pending,
    outputs: record?.outputs.map(({ value }) => nameOf(value)),
    told: events.filter(({ logicalId }) => logicalId === null).map(({ status, reason }) => [status, reason]),
    rows: rows
      .map(({ logicalId, status, physicalId }) => `${logicalId} ${status} ${nameOf(physicalId ?? "")}`)
      .toSorted(),
  };
}

it.for([
  ["a creation", null, deploying("create", ONE), [], "CREATE_COMPLETE"],
  ["a creation that fails", null, deploying("create", ONE), ["Thing"], "ROLLBACK_COMPLETE"],
  ["an update", deploying("create", ONE), deploying("update", TWO), [], "UPDATE_COMPLETE"],
  ["an update that fails", deploying("create", ONE), deploying("update", TWO), ["Last"], "UPDATE_ROLLBACK_COMPLETE"],
  [
    "a deletion",
    deploying("create", ONE),
    async () => ({ kind: "delete", retain: [], isForced: false }),
    [],
    "DELETE_COMPLETE",
  ],
] as const satisfies ReadonlyArray<readonly [string, Wish | null, Wish, readonly string[], string]>)(
  "%s ends the same, wherever the server dies",
  async ([, before, wish, failing, status]) => {
    const liveOver = async (death: Death | null): Promise<{ readonly commits: number; readonly end: unknown }> => {
      await using world = newWorld();
      if (before !== null) await carryOut(world, before, null);
      world.outside.failing = new Set(failing);
      const commits = await carryOut(world, wish, death);
      return { commits, end: await endOf(world) };
    };
    const whole = await liveOver(null);
    expect(whole.end).toMatchObject({ status, pending: [] });
    expect(whole.commits).toBeGreaterThan(3);
    for (let commit = 1; commit <= whole.commits; commit++)
      for (const isAfter of [false, true]) {
        const { end } = await liveOver({ commit, isAfter });
        expect(end, `${isAfter ? "after" : "before"} commit ${commit} of ${whole.commits}`).toEqual(whole.end);
      }
  },
);

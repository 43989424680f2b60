/**
 * The server dies before each commit of a run in turn, as by SIGKILL; the next life takes the run up, and it ends as
 * one that nobody killed, with nothing left over.
 */
import { createDiskLogStore } from "@thaw/server/testing/http";
import { systemClock } from "@thaw/server/testing/base";
import { expect, it, onTestFinished } from "vitest";
import { ControlHarness } from "./harness.ts";
import { onlyScope } from "./http-harness.ts";
import { roleAndFunction } from "./stack-harness.ts";
import { openTestObjects } from "./test-objects.ts";

type Request = readonly ["CreateStack" | "UpdateStack" | "DeleteStack", string | null];

/** Of a life: how many commits it has seen since it was armed, and at which it dies. */
interface Death {
  isArmed: boolean;
  commits: number;
  at: number | null;
}

const CAPABILITIES = ["CAPABILITY_NAMED_IAM"];
const STACK = "shop";
/** Each fifth commit, for the time's sake; all have passed when this was written, and do with 1. */
const STRIDE = 5;
const logs = createDiskLogStore({
  path: ":memory:",
  clock: systemClock,
  limits: { groupBytesMax: 2 ** 20, totalBytesMax: 2 ** 20 },
  onProblem: () => undefined,
});

class Shop {
  readonly harness: ControlHarness;
  readonly death: Death;
  readonly #objects = openTestObjects().objects;
  #scope: ReturnType<typeof onlyScope> | null = null;
  deaths = 0;

  constructor(at: number | null) {
    const death: Death = { isArmed: false, commits: 0, at };
    this.death = death;
    this.harness = new ControlHarness({
      functions: { one: {}, two: {} },
      services: { objects: this.#objects },
      parentDir: "/dev/shm",
      crashesAt: (step) => {
        if (!death.isArmed || !/^store (?:put|remove|touch|expect)/.test(step)) return false;
        return death.commits++ === death.at;
      },
    });
    onTestFinished(async () => {
      await this.#scope?.stacks.close();
      await this.harness.end();
    });
  }

  async live(): Promise<void> {
    await this.harness.start();
    const { control, store, life } = this.harness;
    const onProblem = (what: string, error: unknown): void => {
      if (!life.isOver) throw new Error(what, { cause: error });
    };
    this.#scope = onlyScope({ control, store, logs, objects: this.#objects, onProblem });
    await this.harness.orDeath(this.#scope.stacks.recover());
  }

  async putCode(): Promise<void> {
    await this.call("s3", "CreateBucket", { Bucket: "code-bucket" });
    for (const code of ["one", "two"])
      await this.call("s3", "PutObject", { Bucket: "code-bucket", Key: code, Body: code });
  }

  call(service: string, operation: string, input: object): Promise<Readonly<Record<string, unknown>>> {
    const services = this.#scope?.services((label, id) => `http://${id}.${label}/`);
    if (services === undefined) throw new Error("there is no life");
    return this.harness.orDeath(services.call(service, operation, input as Readonly<Record<string, unknown>>));
  }

  /** Asks again with the same token where the server died meanwhile, as clients do. */
  async ask([operation, template]: Request, token: string): Promise<string> {
    for (;;) {
      try {
        await this.call("cloudformation", operation, {
          StackName: STACK,
          ClientRequestToken: token,
          ...(template === null ? {} : { TemplateBody: template, Capabilities: CAPABILITIES }),
        });
        return await this.#untilEnded();
      } catch (error) {
        if (!this.harness.isOver) throw error;
        this.deaths++;
        // Nobody hears of it any more, and it writes nothing.
        void this.#scope?.stacks.close();
        this.harness.crash();
        this.death.at = null;
        await this.live();
      }
    }
  }

  async #untilEnded(): Promise<string> {
    for (;;) {
      const [stack] = await this.harness.orDeath(
        this.harness.store.stacks.listStacks({ after: null, countMax: 1, withDeleted: true }),
      );
      if (stack === undefined) throw new Error("there is no stack");
      if (stack.head?.phase === "end") {
        expect(stack.head.pending).toEqual([]);
        return stack.status;
      }
      const changed = this.#scope?.stacks.load().then((engine) => engine.untilStatusChanges(stack, 1000));
      await this.harness.orDeath(changed ?? Promise.resolve());
    }
  }

  /** What is there in the end, without what is made up. */
  async left(): Promise<unknown> {
    const { store } = this.harness;
    const versions = await store.listAllVersions();
    const [stack] = await store.stacks.listStacks({ after: null, countMax: 1, withDeleted: true });
    const rows = await store.stacks.listParts(stack?.id ?? "", "resource");
    const aliases = await Promise.all(
      (await store.listFunctions()).map(async ({ name }) =>
        (await store.listAliases(name)).map((each) => `${each.name} ${each.functionVersion}`),
      ),
    );
    return {
      versions: versions.map(({ version, config }) => `${version} ${config.memorySizeMib}`),
      aliases,
      rows: rows.map(({ logicalId, status }) => `${logicalId} ${status}`).toSorted(),
      outputs: stack?.outputs.map(({ key }) => key),
    };
  }
}

const template = (code: string, memory: number): string => `${roleAndFunction(code, memory)}
  V${code}: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref F } }
  Live:
    Type: AWS::Lambda::Alias
    Properties: { FunctionName: !Ref F, Name: live, FunctionVersion: !GetAtt V${code}.Version }
  May:
    Type: AWS::Lambda::Permission
    Properties: { FunctionName: !Ref Live, Action: lambda:InvokeFunction, Principal: s3.amazonaws.com }
Outputs: { Live: { Value: !Ref Live } }
`;

const ONE = template("one", 128);
const SCENARIOS: ReadonlyArray<readonly [string, readonly Request[], string]> = [
  ["a creation", [["CreateStack", ONE]], "CREATE_COMPLETE"],
  [
    "an update",
    [
      ["CreateStack", ONE],
      ["UpdateStack", template("two", 256)],
    ],
    "UPDATE_COMPLETE",
  ],
  [
    "a rollback",
    [
      ["CreateStack", ONE],
      ["UpdateStack", template("none", 256)],
    ],
    "UPDATE_ROLLBACK_COMPLETE",
  ],
  ["a failing creation", [["CreateStack", template("none", 128)]], "ROLLBACK_COMPLETE"],
  [
    "a deletion",
    [
      ["CreateStack", ONE],
      ["DeleteStack", null],
    ],
    "DELETE_COMPLETE",
  ],
];

async function live(requests: readonly Request[], at: number | null) {
  const shop = new Shop(at);
  await shop.live();
  await shop.putCode();
  let end = "";
  for (const [index, request] of requests.entries()) {
    shop.death.isArmed = index === requests.length - 1;
    end = await shop.ask(request, `token-${index}`);
  }
  return { end, left: await shop.left(), commits: shop.death.commits, deaths: shop.deaths };
}

it.for(SCENARIOS)("%s ends as ever, wherever the server dies", { timeout: 120_000 }, async ([, requests, status]) => {
  const whole = await live(requests, null);
  expect([whole.end, whole.deaths]).toEqual([status, 0]);
  for (let at = whole.commits % STRIDE; at < whole.commits; at += STRIDE) {
    const { end, left } = await live(requests, at);
    expect({ at, end, left }).toEqual({ at, end: status, left: whole.left });
  }
});

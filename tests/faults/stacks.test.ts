// matrix: a restart of the server for each point of a deployment
/**
 * A deployment whose server is killed at each point that it passes, on the real engine: in the runner of stacks, in the
 * rows of versions, in the snapshot that a version of it is made with. After the next start it ends as one that nobody
 * killed, and nothing is left over. `npm run matrix` has some points of each, `npm run faults` all.
 */
import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { ListVersionsByFunctionCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries } from "./fault-build.ts";
import { FaultHost } from "./fault-host.ts";
import { PATHS, processOf } from "./matrix.ts";

const IS_WHOLE = process.env["THAW_FAULT_MATRIX"] === "whole";
/** Of each kind of run, in the short form. */
const POINTS_CHOSEN = 3;
const CAPABILITIES = ["CAPABILITY_IAM" as const];

const template = (answer: string, aliasVersion: string): string => `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: "sts:AssumeRole" }]
  F:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: deployed
      Role: !GetAtt Role.Arn
      Handler: index.handler
      Runtime: nodejs24.x
      Timeout: 60
      SnapStart: { ApplyOn: PublishedVersions }
      Code: { ZipFile: "exports.handler = async () => '${answer}';" }
  V${answer}: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref F } }
  Live:
    Type: AWS::Lambda::Alias
    # One that fails does so when the version is there: which points its creation passes is no matter of speed.
    DependsOn: V${answer}
    Properties: { FunctionName: !Ref F, Name: live, FunctionVersion: ${aliasVersion} }
`;
const ONE = template("one", "!GetAtt Vone.Version");
const TWO = template("two", "!GetAtt Vtwo.Version");
const BROKEN = template("two", '"99"');

type Request = readonly ["create" | "update", string] | readonly ["delete"];
interface Run {
  readonly before: readonly Request[];
  readonly request: Request;
  readonly status: string;
  /** Of the alias; null: it is not there. */
  readonly answer: string | null;
}
const RUNS: Readonly<Record<string, Run>> = {
  "a creation": { before: [], request: ["create", ONE], status: "CREATE_COMPLETE", answer: "one" },
  "a failing creation": { before: [], request: ["create", BROKEN], status: "ROLLBACK_COMPLETE", answer: null },
  "an update": { before: [["create", ONE]], request: ["update", TWO], status: "UPDATE_COMPLETE", answer: "two" },
  "a failing update": {
    before: [["create", ONE]],
    request: ["update", BROKEN],
    status: "UPDATE_ROLLBACK_COMPLETE",
    answer: "one",
  },
  "a deletion": { before: [["create", ONE]], request: ["delete"], status: "DELETE_COMPLETE", answer: null },
};

let host: FaultHost;
let stacks = 0;
beforeAll(async () => {
  buildFaultBinaries();
  host = new FaultHost();
  await host.start();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await host.stop();
  host.remove();
});

function send(stack: string, [kind, body]: Request, ClientRequestToken: string): Promise<unknown> {
  const client = cloudFormationOf(host.functions.server);
  const input = { StackName: stack, ClientRequestToken };
  const made = { ...input, TemplateBody: body, Capabilities: CAPABILITIES };
  if (kind === "create") return client.send(new CreateStackCommand(made));
  return client.send(kind === "update" ? new UpdateStackCommand(made) : new DeleteStackCommand(input));
}

async function statusOf(stack: string): Promise<string> {
  const { Stacks: [found] = [] } = await cloudFormationOf(host.functions.server).send(
    new DescribeStacksCommand({ StackName: stack }),
  );
  return found?.StackStatus ?? "";
}

/** Sends a request, with the same token again after a kill, and waits for its end. */
async function carryOut(stack: string, request: Request, token: string, point: string | null): Promise<string> {
  let wasKilled = point === null;
  for (;;) {
    try {
      await send(stack, request, token);
      for (;;) {
        const status = await statusOf(stack);
        if (!status.endsWith("IN_PROGRESS")) return status;
      }
    } catch (error) {
      if (wasKilled || point === null || !host.control.hasReached(point)) throw error;
      wasKilled = true;
      await host.gone();
      await host.start();
    }
  }
}

/** What is there in the end, but for what is made up. */
async function left(answer: string | null): Promise<unknown> {
  if (answer === null) return { rows: host.rows().map(({ functionName }) => functionName) };
  const { Versions: versions = [] } = await host.functions.lambda.send(
    new ListVersionsByFunctionCommand({ FunctionName: "deployed" }),
  );
  const { payload } = await host.functions.invoke("deployed", {}, "live");
  return { payload, versions: versions.map(({ Version, State }) => `${Version} ${State}`) };
}

/** One run, from nothing to nothing; the points that it passed. */
async function live({ before, request, status, answer }: Run, point: string | null) {
  const stack = `stack-${++stacks}`;
  for (const [index, each] of before.entries()) await carryOut(stack, each, `before-${index}`, null);
  const { Stacks: [found] = [] } =
    before.length === 0
      ? {}
      : await cloudFormationOf(host.functions.server).send(new DescribeStacksCommand({ StackName: stack }));
  host.note();
  host.control.clearTrace();
  if (point !== null) host.control.arm(point, "kill");
  // A deleted stack is found by its id only.
  const ended = await carryOut(found?.StackId ?? stack, request, "run", point);
  const passed = host.control.trace();
  expect([ended, point === null || host.control.hasReached(point)]).toEqual([status, true]);
  const what = await left(answer);
  if (request[0] !== "delete") await carryOut(stack, ["delete"], "end", null).catch(() => undefined);
  await host.until("what is stored is sound", () => host.storage.faults().length === 0);
  expect(host.rows()).toEqual([]);
  return { what, passed };
}

/** Where the process that dies takes the server with it, on each way of this run. */
const isOfRun = (point: string): boolean =>
  (point.startsWith("stack.") || PATHS.publish.includes(point) || point.startsWith("row.removed")) &&
  processOf(point) !== "pager";

describe.each(Object.entries(RUNS))("%s", (name, run) => {
  it("ends as ever, wherever the server is killed", IS_WHOLE ? { timeout: 3_600_000 } : {}, async () => {
    const whole = await live(run, null);
    const points = whole.passed.filter(isOfRun);
    const stride = IS_WHOLE ? 1 : Math.ceil(points.length / POINTS_CHOSEN);
    const chosen = points.filter((_, index) => index % stride === stride - 1);
    expect(chosen.length).toBeGreaterThan(1);
    for (const point of chosen) {
      const { what } = await live(run, point).catch((error: Error) => {
        throw new Error(`killed at ${point}: ${error.message}\n${host.output().slice(-3000)}`, { cause: error });
      });
      expect({ point, what }).toEqual({ point, what: whole.what });
    }
    process.stdout.write(`${name}: killed at ${chosen.length} of ${points.length} points\n`);
  });
});

/** What each tool must get through: a stack is made, left as it is, changed, replaced, rolled back and removed. */
import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ListStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { GetFunctionCommand, InvokeCommand, LambdaClient, type LambdaClientConfig } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type ToolRun, Tools } from "./tools.ts";

export const STACK = "shop";
/** Code of the function in each project. */
export const CODE = `exports.handler = async () => ({ message: process.env.MESSAGE, name: process.env.AWS_LAMBDA_FUNCTION_NAME });\n`;

/**
 * Seconds that a function of a project may take. The default is 3, with the processor that 128 MB give: an Init that is
 * begun again on a busy machine, or a client that is loaded in a handler, takes as long.
 */
export const FUNCTION_TIMEOUT_S = 60;

/** What differs between the states of a project. */
export interface Variant {
  readonly message: string;
  /** Decides the function's name: another one replaces the function. */
  readonly name: string;
  /** Has an alias of a version that is not there, which fails after the function was changed. */
  readonly isBroken: boolean;
}

export interface Project {
  /** Writes the project's files. */
  write(tools: Tools, variant: Variant): void;
  /** Once, before the first deployment. */
  prepare?(tools: Tools): Promise<void>;
  deploy(tools: Tools): Promise<ToolRun>;
  remove(tools: Tools): Promise<ToolRun>;
  /** The stack's status after its first deployment; some tools make a part of it first. */
  readonly made: "CREATE_COMPLETE" | "UPDATE_COMPLETE";
  /** What a deployment prints that has nothing to do. */
  readonly unchanged: RegExp;
  /** What it prints of one that has failed. */
  readonly failed: RegExp;
  /** The tool's name for the stack. */
  readonly stackName: string;
}

const FIRST: Variant = { message: "one", name: "hello", isBroken: false };

export interface SuiteState {
  readonly tools: Tools;
  readonly server: ThawServer;
}

/** `more`: the tool's other commands, run between the last update and the removal. */
export function deploySuite(project: Project, more: (state: () => SuiteState) => void = () => undefined): void {
  let server: ThawServer | undefined;
  let tools: Tools | undefined;
  const state = (): SuiteState => {
    if (server === undefined || tools === undefined) throw new Error("it is not started");
    return { server, tools };
  };
  beforeAll(async () => {
    server = await startThaw();
    tools = await Tools.start(server);
  });
  afterAll(async () => {
    await tools?.close();
    await server?.remove();
  });
  const deploy = async (variant: Variant): Promise<ToolRun> => {
    project.write(state().tools, variant);
    return project.deploy(state().tools);
  };

  test("makes a stack", async () => {
    await project.prepare?.(state().tools);
    expectDone(await deploy(FIRST));
    expect(await statusOf(state(), project)).toBe(project.made);
    expect(await answerOf(state(), project)).toEqual({ message: "one", name: "shop-hello" });
  });

  test("leaves one alone that is as it should be", async () => {
    const again = await deploy(FIRST);
    expectDone(again);
    expect(again.output).toMatch(project.unchanged);
    expect(await statusOf(state(), project)).toBe(project.made);
  });

  test("changes a function", async () => {
    expectDone(await deploy({ ...FIRST, message: "two" }));
    expect(await statusOf(state(), project)).toBe("UPDATE_COMPLETE");
    expect(await answerOf(state(), project)).toEqual({ message: "two", name: "shop-hello" });
  });

  test("replaces a function", async () => {
    expectDone(await deploy({ ...FIRST, message: "two", name: "bye" }));
    expect(await answerOf(state(), project)).toEqual({ message: "two", name: "shop-bye" });
    expect(await hasFunction(state(), "shop-hello")).toBe(false);
  });

  test("rolls back what fails", async () => {
    const failed = await deploy({ message: "three", name: "bye", isBroken: true });
    expect(failed.code, failed.output).not.toBe(0);
    expect(failed.output).toMatch(project.failed);
    expect(await statusOf(state(), project)).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect(await answerOf(state(), project)).toEqual({ message: "two", name: "shop-bye" });
  });

  more(state);

  test("removes the stack and what it made", async () => {
    expectDone(await project.remove(state().tools));
    expect(await statusOf(state(), project)).toBe(null);
    expect(await hasFunction(state(), "shop-bye")).toBe(false);
  });
}

/** Its output comes last: where a message is cut in its middle, its end tells what failed. */
export function expectDone(run: ToolRun): void {
  expect(run.code, `${run.calls.join("\n")}\n${run.output}`).toBe(0);
}

function clientOptions({ server }: SuiteState): LambdaClientConfig & CloudFormationClientConfig {
  return {
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: {
      accessKeyId: server.env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
    maxAttempts: 1,
  };
}

/** Null: there is no such stack, or no longer. */
async function statusOf(state: SuiteState, { stackName }: Project): Promise<string | null> {
  const client = new CloudFormationClient(clientOptions(state));
  const { StackSummaries: all = [] } = await client.send(new ListStacksCommand({}));
  if (!all.some((each) => each.StackName === stackName && each.StackStatus !== "DELETE_COMPLETE")) return null;
  const { Stacks: stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
  return stacks[0]?.StackStatus ?? null;
}

/** Of the stack's one function. */
export async function functionOf(state: SuiteState, { stackName }: Pick<Project, "stackName">): Promise<string> {
  const client = new CloudFormationClient(clientOptions(state));
  const described = await client.send(new DescribeStackResourcesCommand({ StackName: stackName }));
  const found = described.StackResources?.filter(
    ({ ResourceType, ResourceStatus }) =>
      ResourceType === "AWS::Lambda::Function" && ResourceStatus !== "DELETE_COMPLETE",
  );
  expect(found).toHaveLength(1);
  return found?.[0]?.PhysicalResourceId ?? "";
}

export async function answerOf(state: SuiteState, project: Pick<Project, "stackName">): Promise<unknown> {
  const name = await functionOf(state, project);
  const { Payload: payload } = await new LambdaClient(clientOptions(state)).send(
    new InvokeCommand({ FunctionName: name }),
  );
  return JSON.parse(payload?.transformToString() ?? "null") as unknown;
}

async function hasFunction(state: SuiteState, name: string): Promise<boolean> {
  try {
    await new LambdaClient(clientOptions(state)).send(new GetFunctionCommand({ FunctionName: name }));
    return true;
  } catch (error) {
    if ((error as Error).name !== "ResourceNotFoundException") throw error;
    return false;
  }
}

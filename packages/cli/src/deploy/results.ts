/** What a stack has: its functions with their versions, addresses that can be called, and its outputs. */
import { GetAliasCommand, GetFunctionConfigurationCommand, GetFunctionUrlConfigCommand } from "@aws-sdk/client-lambda";
import { ListStackResourcesCommand, type StackResourceSummary } from "@aws-sdk/client-cloudformation";
import type { StackClients } from "../aws-clients.ts";
import type { Connection } from "../connection.ts";
import { findStack } from "./stack.ts";

export interface DeployedFunction {
  readonly functionName: string;
  readonly version: string | null;
  readonly alias: string | null;
  /** Whether the version has a snapshot: `On` or `Off`; null: no version is published. */
  readonly optimization: string | null;
}

export interface DeployedUrl {
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly url: string;
}

export interface Results {
  readonly functions: readonly DeployedFunction[];
  readonly urls: readonly DeployedUrl[];
  /** Addresses of APIs, by logical id. */
  readonly apis: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

export async function resultsOf(connection: Connection, clients: StackClients, stackId: string): Promise<Results> {
  const resources = await listResources(clients, stackId);
  const [functions, urls] = await Promise.all([functionsOf(connection, resources), urlsOf(connection, resources)]);
  const stack = await findStack(clients, stackId);
  const outputs = (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey ?? "", OutputValue ?? ""]);
  return {
    functions,
    urls,
    apis: apisOf(connection, resources),
    outputs: Object.fromEntries(outputs) as Record<string, string>,
  };
}

export async function listResources(
  { stacks }: StackClients,
  stackName: string,
): Promise<readonly StackResourceSummary[]> {
  const found: StackResourceSummary[] = [];
  let next: string | undefined;
  do {
    const page = await stacks.send(new ListStackResourcesCommand({ StackName: stackName, NextToken: next }));
    found.push(...(page.StackResourceSummaries ?? []));
    next = page.NextToken;
  } while (next !== undefined);
  return found.filter(({ ResourceStatus: status = "" }) => !status.startsWith("DELETE"));
}

function ofType(resources: readonly StackResourceSummary[], type: string): readonly string[] {
  return resources.flatMap(({ ResourceType, PhysicalResourceId: id }) =>
    ResourceType === type && id !== undefined ? [id] : [],
  );
}

/** The function of an ARN, and what is behind it: a version, or an alias. */
function partsOf(arn: string): { readonly functionName: string; readonly qualifier: string | null } {
  const [, , , , , , functionName = arn, qualifier = null] = arn.split(":");
  return { functionName, qualifier };
}

async function functionsOf(
  { lambda }: Connection,
  resources: readonly StackResourceSummary[],
): Promise<readonly DeployedFunction[]> {
  const aliases = ofType(resources, "AWS::Lambda::Alias").map(partsOf);
  const versions = ofType(resources, "AWS::Lambda::Version").map(partsOf);
  const found = ofType(resources, "AWS::Lambda::Function").map(async (functionName): Promise<DeployedFunction> => {
    const alias = aliases.find((each) => each.functionName === functionName)?.qualifier ?? null;
    const own = versions.findLast((each) => each.functionName === functionName)?.qualifier ?? null;
    const of = { FunctionName: functionName };
    const version =
      alias === null
        ? own
        : ((await (await lambda()).send(new GetAliasCommand({ ...of, Name: alias }))).FunctionVersion ?? own);
    if (version === null) return { functionName, version, alias, optimization: null };
    const { SnapStart } = await (await lambda()).send(
      new GetFunctionConfigurationCommand({ ...of, Qualifier: version }),
    );
    return { functionName, version, alias, optimization: SnapStart?.OptimizationStatus ?? "Off" };
  });
  return Promise.all(found);
}

/** The id of a URL in a stack is the ARN that it belongs to. */
async function urlsOf(
  { lambda }: Connection,
  resources: readonly StackResourceSummary[],
): Promise<readonly DeployedUrl[]> {
  const found = ofType(resources, "AWS::Lambda::Url").map(async (arn) => {
    const { functionName, qualifier } = partsOf(arn);
    const { FunctionUrl: url = "" } = await (await lambda()).send(
      new GetFunctionUrlConfigCommand({
        FunctionName: functionName,
        ...(qualifier === null ? {} : { Qualifier: qualifier }),
      }),
    );
    return { functionName, qualifier, url };
  });
  return Promise.all(found);
}

/** By the path that needs no name of the host; of a REST API with its only stage. */
function apisOf({ endpoint }: Connection, resources: readonly StackResourceSummary[]): Record<string, string> {
  const stages = ofType(resources, "AWS::ApiGateway::Stage");
  const rest = resources.filter(({ ResourceType }) => ResourceType === "AWS::ApiGateway::RestApi");
  const stage = rest.length === 1 && stages.length === 1 ? `${stages[0] ?? ""}/` : "";
  return Object.fromEntries(
    resources.flatMap(({ ResourceType: type, LogicalResourceId: id = "", PhysicalResourceId: physical }) => {
      const isRest = type === "AWS::ApiGateway::RestApi";
      if (physical === undefined || (!isRest && type !== "AWS::ApiGatewayV2::Api")) return [];
      return [[id, `${endpoint}/_thaw/api/${physical}/${isRest ? stage : ""}`]];
    }),
  );
}

/** What a token may call: what is not in these tables is not for the console. */
import type { OperationName } from "@thaw/aws-api";
import type { RouteName } from "@thaw/thaw-api";
import type { ConsoleRole } from "../../../ports/console-logins.ts";

/** The role that a call needs; null: not for the console. */
type Needed = ConsoleRole | null;

/** Each route of Thaw's own API: a new one decides here. */
const ROUTE_RIGHTS: Readonly<Record<RouteName, Needed>> = {
  getHealth: "read",
  describeHost: "read",
  readMetrics: null,
  listEnvironments: "read",
  stopEnvironments: "admin",
  checkFunction: "admin",
  listProvisioned: "read",
  listRuntimes: "read",
  listSnapshots: "read",
  inspectSnapshot: "read",
  verifySnapshot: "read",
  readLogs: "read",
  searchLogs: "read",
  followLogs: "read",
  listTestEvents: "read",
  getTestEvent: "read",
  putTestEvent: "admin",
  deleteTestEvent: "admin",
  readPrimeEvents: "read",
  getOverview: "read",
  listInvocations: "read",
  followInvocations: "read",
  getInvocation: "read",
  readSeries: "read",
  listKeys: "read",
  createKey: null,
  enableKey: null,
  disableKey: null,
  deleteKey: null,
  listAccounts: "read",
  addAccount: null,
  rotateAccount: null,
  removeAccount: null,
  debugFunction: null,
  continueDebugged: null,
  readDebugger: null,
  writeDebugger: null,
  // A token makes no further one.
  makeConsoleCode: null,
  exchangeConsoleCode: null,
  readConsoleSession: "read",
  revokeConsole: null,
  putObject: null,
  readObject: null,
  readCode: null,
};

const LAMBDA_RIGHTS: Readonly<Partial<Record<OperationName, ConsoleRole>>> = {
  GetAccountSettings: "read",
  GetAlias: "read",
  GetFunction: "read",
  GetFunctionConcurrency: "read",
  GetFunctionConfiguration: "read",
  GetFunctionEventInvokeConfig: "read",
  GetFunctionUrlConfig: "read",
  ListAliases: "read",
  ListEventSourceMappings: "read",
  ListFunctionUrlConfigs: "read",
  ListFunctions: "read",
  ListProvisionedConcurrencyConfigs: "read",
  ListTags: "read",
  ListVersionsByFunction: "read",
  CreateAlias: "admin",
  DeleteFunction: "admin",
  Invoke: "admin",
  PublishVersion: "admin",
  UpdateAlias: "admin",
};

const STACK_RIGHTS: Readonly<Record<string, ConsoleRole>> = {
  DescribeChangeSet: "read",
  DescribeStackEvents: "read",
  DescribeStackResources: "read",
  DescribeStacks: "read",
  ListChangeSets: "read",
  ListStackResources: "read",
  ListStacks: "read",
};

export function neededForRoute(name: RouteName): Needed {
  return ROUTE_RIGHTS[name];
}

export function neededForLambda(operation: OperationName): Needed {
  return LAMBDA_RIGHTS[operation] ?? null;
}

export function neededForStacks(operation: string | null): Needed {
  return operation !== null && Object.hasOwn(STACK_RIGHTS, operation) ? (STACK_RIGHTS[operation] ?? null) : null;
}

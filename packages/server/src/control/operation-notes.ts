/**
 * What is said of operations beyond what they do: which only keep and show what they are given, and why the others are
 * refused. docs/reference/api.md is generated from this (`node tools/generate-operations.ts`).
 */
import type { OperationName } from "@thaw/aws-api";

type Notes = Readonly<Partial<Record<OperationName, string>>>;

const RUNTIMES = "The newest release that the operator has installed runs, whatever is set.";

const POLLING =
  "SQS queues and streams of Kinesis and DynamoDB are read, where the operator names an endpoint (`--aws-endpoint SERVICE=URL`). A mapping of anything else is `Disabled` once it is made, and its reason says so.";

/** Operations that keep and show settings which change nothing of how functions run, or less than on AWS. */
export const KEPT: Notes = {
  CreateCodeSigningConfig: "Thaw can't check signatures: under `Enforce` no package is deployed, under `Warn` all are.",
  CreateEventSourceMapping: POLLING,
  UpdateEventSourceMapping: POLLING,
  PutRuntimeManagementConfig: RUNTIMES,
  GetRuntimeManagementConfig: RUNTIMES,
};

const NONE = "There are none: it answers as AWS does then.";

/** Operations on what can't be made. */
export const OF_NOTHING: Notes = {
  ListCapacityProviders: NONE,
};

const MANAGED_INSTANCES = "There are no Lambda Managed Instances in Thaw.";
const DURABLE = "There are no durable functions in Thaw yet.";
const DOCUMENTS = "Policies are changed statement by statement, with AddPermission and RemovePermission.";

/** Why an operation is refused, as its refusal says it. */
export const REFUSED: Notes = {
  CreateCapacityProvider: MANAGED_INSTANCES,
  GetCapacityProvider: MANAGED_INSTANCES,
  UpdateCapacityProvider: MANAGED_INSTANCES,
  DeleteCapacityProvider: MANAGED_INSTANCES,
  ListFunctionVersionsByCapacityProvider: MANAGED_INSTANCES,
  GetFunctionScalingConfig: MANAGED_INSTANCES,
  PutFunctionScalingConfig: MANAGED_INSTANCES,
  CheckpointDurableExecution: DURABLE,
  DeleteDurableExecution: DURABLE,
  GetDurableExecution: DURABLE,
  GetDurableExecutionHistory: DURABLE,
  GetDurableExecutionState: DURABLE,
  ListDurableExecutionsByFunction: DURABLE,
  PauseDurableExecution: DURABLE,
  ResumeDurableExecution: DURABLE,
  SendDurableExecutionCallbackFailure: DURABLE,
  SendDurableExecutionCallbackHeartbeat: DURABLE,
  SendDurableExecutionCallbackSuccess: DURABLE,
  StopDurableExecution: DURABLE,
  PutResourcePolicy: DOCUMENTS,
  GetResourcePolicy: DOCUMENTS,
  DeleteResourcePolicy: DOCUMENTS,
};

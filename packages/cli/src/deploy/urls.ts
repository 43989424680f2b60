/** The URLs of a plan, and the statements of resource policies. */
import { createHash } from "node:crypto";
import {
  AddPermissionCommand,
  type AddPermissionCommandInput,
  CreateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
  DeleteFunctionUrlConfigCommand,
  RemovePermissionCommand,
  ResourceConflictException,
  ResourceNotFoundException,
  UpdateFunctionUrlConfigCommand,
} from "@aws-sdk/client-lambda";
import type { Plan, PlannedPermission, PlannedUrl } from "@thaw/template/planned";
import type { Connection } from "../connection.ts";
import type { Progress } from "./publish.ts";

export interface DeployedUrl {
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly url: string;
}

type Named = Pick<PlannedUrl, "functionName" | "qualifier">;

/** Makes the URLs and the statements of a plan. Gives the addresses. */
export async function applyUrls(
  connection: Connection,
  plan: Pick<Plan, "urls" | "permissions">,
  recorded: ReadonlySet<string>,
  progress: Progress,
): Promise<ReadonlyArray<DeployedUrl & Pick<PlannedUrl, "logicalId">>> {
  const deployed: Array<DeployedUrl & Pick<PlannedUrl, "logicalId">> = [];
  for (const planned of plan.urls) {
    const { logicalId, functionName, qualifier } = planned;
    const url = await applyUrl(connection, planned);
    progress(`${nameOf(planned)}: URL ${url}`);
    deployed.push({ logicalId, functionName, qualifier, url });
  }
  for (const planned of plan.permissions) await applyPermission(connection, planned, recorded, progress);
  return deployed;
}

async function applyUrl({ lambda }: Connection, planned: PlannedUrl): Promise<string> {
  const input = {
    ...targetOf(planned),
    AuthType: planned.authType,
    InvokeMode: planned.invokeMode ?? "BUFFERED",
    // An empty one takes away what was there.
    Cors: planned.cors ?? {},
  } as CreateFunctionUrlConfigCommandInput;
  try {
    return (await lambda.send(new CreateFunctionUrlConfigCommand(input))).FunctionUrl ?? "";
  } catch (error) {
    if (!(error instanceof ResourceConflictException)) throw error;
    return (await lambda.send(new UpdateFunctionUrlConfigCommand(input))).FunctionUrl ?? "";
  }
}

/** One that is there as it was deployed before stays: the function may be called all the time. */
async function applyPermission(
  { lambda }: Connection,
  planned: PlannedPermission,
  recorded: ReadonlySet<string>,
  progress: Progress,
): Promise<void> {
  const input = {
    ...targetOf(planned),
    StatementId: planned.statementId,
    ...planned.members,
  } as AddPermissionCommandInput;
  try {
    await lambda.send(new AddPermissionCommand(input));
  } catch (error) {
    if (!(error instanceof ResourceConflictException)) throw error;
    if (recorded.has(`${planned.functionName} ${permissionKey(planned)}`)) return;
    await lambda.send(new RemovePermissionCommand({ ...targetOf(planned), StatementId: planned.statementId }));
    await lambda.send(new AddPermissionCommand(input));
  }
  progress(`${nameOf(planned)}: permission ${planned.statementId}`);
}

/** Removes the URL of a qualifier. */
export async function removeUrl({ lambda }: Connection, functionName: string, qualifier: string): Promise<void> {
  await ifThere(() =>
    lambda.send(new DeleteFunctionUrlConfigCommand(targetOf(recordedTarget(functionName, qualifier)))),
  );
}

/** Removes a statement by its key in the record. */
export async function removePermission({ lambda }: Connection, functionName: string, key: string): Promise<void> {
  const [qualifier = "", StatementId = ""] = key.split("/");
  const target = targetOf(recordedTarget(functionName, qualifier));
  await ifThere(() => lambda.send(new RemovePermissionCommand({ ...target, StatementId })));
}

async function ifThere(send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}

/** Qualifier, statement and digest of its members: neither of the first two has a slash. */
export function permissionKey({ qualifier, statementId, members }: PlannedPermission): string {
  const digest = createHash("sha256").update(JSON.stringify(members)).digest("hex").slice(0, 16);
  return `${qualifier ?? LATEST}/${statementId}/${digest}`;
}

/** A key without its digest. */
export function statementOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/"));
}

export const LATEST = "$LATEST";

function recordedTarget(functionName: string, qualifier: string): Named {
  return { functionName, qualifier: qualifier === LATEST ? null : qualifier };
}

function targetOf({ functionName, qualifier }: Named): { readonly FunctionName: string; readonly Qualifier?: string } {
  return { FunctionName: functionName, ...(qualifier === null ? {} : { Qualifier: qualifier }) };
}

function nameOf({ functionName, qualifier }: Named): string {
  return qualifier === null ? functionName : `${functionName}:${qualifier}`;
}

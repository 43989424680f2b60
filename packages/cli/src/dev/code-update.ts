/** Code into a function, as `sam sync --code` puts it: past the stack, by UpdateFunctionCode. */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  UpdateFunctionCodeCommand,
} from "@aws-sdk/client-lambda";
import { CommandError } from "@thaw/installation/command-error";

/** AWS's limit on a package that lies in the request; a larger one would have to lie in S3. */
const DIRECT_BYTES_MAX = 50 * 1024 * 1024;
const POLL_MS = 10;

/** True: the function had other code, and has this one now. Throws CommandError where it does not come to have it. */
export async function putCode(lambda: LambdaClient, FunctionName: string, zip: Buffer): Promise<boolean> {
  const before = await settled(lambda, FunctionName);
  if (before.CodeSha256 === createHash("sha256").update(zip).digest("base64")) return false;
  if (zip.length > DIRECT_BYTES_MAX)
    throw new CommandError(
      `its package has ${zip.length} bytes, and ${DIRECT_BYTES_MAX} is the most for a request: put what does not change into a layer, or save the template to deploy it`,
    );
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip }));
  const { LastUpdateStatus: status, LastUpdateStatusReason: reason } = await settled(lambda, FunctionName);
  if (status === "Failed") throw new CommandError(`its new code can't be used: ${reason ?? "no reason is told"}`);
  return true;
}

/** Waits until no change is under way. */
async function settled(lambda: LambdaClient, FunctionName: string) {
  for (;;) {
    const found = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    if (isSettled(found)) return found;
    await delay(POLL_MS);
  }
}

/** True where no change is under way. */
export function isSettled({ LastUpdateStatus, State }: FunctionConfiguration): boolean {
  return LastUpdateStatus !== "InProgress" && State !== "Pending";
}

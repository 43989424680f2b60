/** AWS's client for the stacks of a real server. */
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { onTestFinished } from "vitest";
import type { ThawServer } from "../../tools/thaw-server.ts";

/** It goes with the test. */
export function cloudFormationOf({ endpoint, env }: ThawServer): CloudFormationClient {
  const [accessKeyId, secretAccessKey] = [env["AWS_ACCESS_KEY_ID"] ?? "", env["AWS_SECRET_ACCESS_KEY"] ?? ""];
  const client = new CloudFormationClient({
    endpoint,
    region: env["AWS_REGION"] ?? "us-east-1",
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
  onTestFinished(() => client.destroy());
  return client;
}

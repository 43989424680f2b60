/** A stack for the console to show, with a change set that is not carried out. */
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  waitUntilChangeSetCreateComplete,
  waitUntilStackCreateComplete,
} from "@aws-sdk/client-cloudformation";
import type { ThawServer } from "../../tools/thaw-server.ts";

export const STACK = "my-stack";
export const CHANGES = "louder";

/** A stack with a resource, and with outputs of which one is no address for a browser. */
const templateOf = (Value: string): string =>
  JSON.stringify({
    Resources: { Setting: { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value } } },
    Outputs: {
      Address: { Value: "http://localhost/somewhere" },
      Script: { Value: "javascript:alert(1)" },
    },
  });

/** Makes the stack, and a change set that is not carried out. */
export async function createStack({ endpoint, env }: ThawServer): Promise<void> {
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const client = new CloudFormationClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  await client.send(new CreateStackCommand({ StackName: STACK, TemplateBody: templateOf("<b>bold</b>") }));
  const waiter = { client, maxWaitTime: 180, minDelay: 1, maxDelay: 1 };
  await waitUntilStackCreateComplete(waiter, { StackName: STACK });
  const named = { StackName: STACK, ChangeSetName: CHANGES };
  await client.send(new CreateChangeSetCommand({ ...named, TemplateBody: templateOf("<i>louder</i>") }));
  await waitUntilChangeSetCreateComplete(waiter, named);
  client.destroy();
}

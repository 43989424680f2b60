/** AWS's client for the stacks of an HttpHarness, and the ends of their runs. */
import { CloudFormationClient, DescribeStacksCommand, type Stack } from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, expect } from "vitest";
import { CREDENTIALS, HttpHarness, REGION } from "./http-harness.ts";

export function cloudFormationOf(http: HttpHarness): CloudFormationClient {
  const endpoint = `http://${http.host}`;
  return new CloudFormationClient({ endpoint, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 });
}

/** A server without functions, and its client, for the tests of a file. */
export function withStacks(made: (http: HttpHarness, client: CloudFormationClient) => void): void {
  let http: HttpHarness;
  let client: CloudFormationClient;
  beforeAll(async () => {
    http = await HttpHarness.start({ functions: {} });
    client = cloudFormationOf(http);
    made(http, client);
  });
  afterAll(async () => {
    client.destroy();
    await http[Symbol.asyncDispose]();
    expect(http.problems).toEqual([]);
  });
}

/** Gives the stack as it is once its run has ended. */
export async function untilEnded(http: HttpHarness, client: CloudFormationClient, nameOrId: string): Promise<Stack> {
  for (;;) {
    const [stack] = (await client.send(new DescribeStacksCommand({ StackName: nameOrId }))).Stacks ?? [];
    if (stack === undefined) throw new Error(`no stack ${nameOrId}`);
    if (!String(stack.StackStatus).endsWith("IN_PROGRESS")) return stack;
    await (await http.stacks.load()).untilStatusChanges(
      { id: stack.StackId ?? "", status: stack.StackStatus as never },
      10_000,
    );
  }
}

/** A role and a function `F`, as the beginning of a template; its other properties follow. */
export const roleAndFunction = (code: string, memory: number | string): string => `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: "sts:AssumeRole" }]
  F:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Handler: a.b
      Runtime: python3.13
      MemorySize: ${memory}
      Code: { S3Bucket: code-bucket, S3Key: ${code} }`;

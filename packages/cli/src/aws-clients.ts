/** Clients of the server's other services of AWS, for the commands that deploy. */
import { CloudFormationClient, CloudFormationServiceException } from "@aws-sdk/client-cloudformation";
import { S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { CLIENT_SETTINGS, type Connection } from "./connection.ts";

export interface StackClients {
  readonly stacks: CloudFormationClient;
  readonly s3: S3Client;
  readonly ssm: SSMClient;
  readonly accountId: string;
}

/** Asks the server whose account the keys are of. */
export async function openStackClients({ endpoint, region, credentials }: Connection): Promise<StackClients> {
  const options = { endpoint, region, credentials, ...CLIENT_SETTINGS };
  const { Account: accountId = "" } = await new STSClient(options).send(new GetCallerIdentityCommand({}));
  return {
    stacks: new CloudFormationClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    ssm: new SSMClient(options),
    accountId,
  };
}

/** A refusal of CloudFormation, in its own words; null: another error. */
export function refusalOf(error: unknown): string | null {
  return error instanceof CloudFormationServiceException ? error.message : null;
}

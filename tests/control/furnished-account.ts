/** An account that has one of everything. */
import type { OperationName } from "@thaw/aws-api";
import { ALICE, BOB, REGION, type ScopesHarness } from "./scopes-harness.ts";

export type Input = Readonly<Record<string, unknown>>;

export const SECRET = "only-for-alice";
/** By the content's name, which has the account in it. */
export const FUNCTIONS = {
  hello: { handle: () => '"the operator"' },
  "555555555555hello": { handle: () => '"carol"' },
  [`${ALICE}hello`]: { handle: () => '"alice"' },
  [`${BOB}hello`]: { handle: () => '"bob"' },
};
export const ARN = `arn:aws:lambda:${REGION}:${ALICE}`;
const OWN_URL = { FunctionName: "f", AuthType: "NONE" };
export const CODE = { ZipFile: Buffer.from("hello") };
export const SIGNING = {
  AllowedPublishers: { SigningProfileVersionArns: ["arn:aws:signer:us-east-1:222222222222:/x/y/z"] },
};

const QUEUE = `arn:aws:sqs:${REGION}:${ALICE}:${SECRET}`;

/** Gives Alice one of everything that an account can have. Returns what has an id that nobody chooses. */
export async function furnish(harness: ScopesHarness): Promise<{ readonly signingArn: string; readonly uuid: string }> {
  const call = (operation: OperationName, input: Input): Promise<Input> => harness.call(ALICE, operation, input);
  const { CodeSigningConfig } = await call("CreateCodeSigningConfig", { ...SIGNING, Description: SECRET });
  const { CodeSigningConfigArn: signingArn } = CodeSigningConfig as { readonly CodeSigningConfigArn: string };
  await call("PublishLayerVersion", { LayerName: "l", Content: CODE, Description: SECRET });
  await call("AddLayerVersionPermission", {
    LayerName: "l",
    VersionNumber: 1,
    StatementId: SECRET,
    Action: "lambda:GetLayerVersion",
    Principal: "444444444444",
  });
  await harness.createFunction(ALICE, "f", "hello", {
    Description: SECRET,
    Tags: { owner: SECRET },
    Layers: [`${ARN}:layer:l:1`],
  });
  await call("PublishVersion", { FunctionName: "f", Description: SECRET });
  await call("CreateAlias", { FunctionName: "f", Name: "live", FunctionVersion: "1", Description: SECRET });
  await call("AddPermission", {
    FunctionName: "f",
    StatementId: SECRET,
    Action: "lambda:InvokeFunction",
    Principal: "s3.amazonaws.com",
  });
  await call("CreateFunctionUrlConfig", OWN_URL);
  await call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 77 });
  await call("PutFunctionEventInvokeConfig", { FunctionName: "f", MaximumRetryAttempts: 1 });
  await call("PutFunctionRecursionConfig", { FunctionName: "f", RecursiveLoop: "Allow" });
  await call("PutProvisionedConcurrencyConfig", {
    FunctionName: "f",
    Qualifier: "live",
    ProvisionedConcurrentExecutions: 1,
  });
  await call("PutRuntimeManagementConfig", { FunctionName: "f", UpdateRuntimeOn: "Auto" });
  const { UUID } = await call("CreateEventSourceMapping", { FunctionName: "f", EventSourceArn: QUEUE, Enabled: false });
  return { signingArn, uuid: String(UUID) };
}

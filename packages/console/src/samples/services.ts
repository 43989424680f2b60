/** Calls of services that ask a function for something, or tell it of themselves. */
import type { Sample, SampleName } from "./names.ts";

const AT = "2026-01-01T00:00:00.000Z";
const UUID = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa";

export const SERVICES = {
  "CloudWatch alarm": ({ accountId, region }) => ({
    source: "aws.cloudwatch",
    alarmArn: `arn:aws:cloudwatch:${region}:${accountId}:alarm:errors`,
    accountId,
    time: "2026-01-01T00:00:00.000+0000",
    region,
    alarmData: {
      alarmName: "errors",
      state: { value: "ALARM", reason: "Threshold crossed", timestamp: "2026-01-01T00:00:00.000+0000" },
      previousState: { value: "OK", reason: "Threshold not crossed", timestamp: "2025-12-31T23:55:00.000+0000" },
      configuration: {
        metrics: [
          {
            id: "m1",
            metricStat: {
              metric: { namespace: "AWS/Lambda", name: "Errors", dimensions: { FunctionName: "function" } },
              period: 60,
              stat: "Sum",
            },
            returnData: true,
          },
        ],
      },
    },
  }),
  "Cognito pre sign-up": ({ region }) => ({
    version: "1",
    triggerSource: "PreSignUp_SignUp",
    region,
    userPoolId: `${region}_example`,
    userName: "jane",
    callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId: "client" },
    request: { userAttributes: { email: "jane@example.com" }, validationData: null },
    response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
  }),
  "CloudFormation custom resource": ({ accountId, region }) => ({
    RequestType: "Create",
    ResponseURL: "http://127.0.0.1:9/answer",
    StackId: `arn:aws:cloudformation:${region}:${accountId}:stack/stack/${UUID}`,
    RequestId: "unique-id",
    ResourceType: "Custom::Resource",
    LogicalResourceId: "Resource",
    ServiceToken: `arn:aws:lambda:${region}:${accountId}:function:function`,
    ResourceProperties: {
      ServiceToken: `arn:aws:lambda:${region}:${accountId}:function:function`,
      Name: "value",
    },
  }),
  "Config rule": ({ accountId, region }) => ({
    version: "1.0",
    invokingEvent: JSON.stringify({
      configurationItem: {
        configurationItemCaptureTime: AT,
        configurationItemStatus: "OK",
        resourceType: "AWS::S3::Bucket",
        resourceId: "bucket",
        awsAccountId: accountId,
        awsRegion: region,
        configuration: { name: "bucket" },
        relationships: [],
        tags: {},
      },
      notificationCreationTime: AT,
      messageType: "ConfigurationItemChangeNotification",
    }),
    ruleParameters: '{"name":"value"}',
    resultToken: "token",
    eventLeftScope: false,
    executionRoleArn: `arn:aws:iam::${accountId}:role/role`,
    configRuleArn: `arn:aws:config:${region}:${accountId}:config-rule/config-rule-0123456`,
    configRuleName: "rule",
    configRuleId: "config-rule-0123456",
    accountId,
  }),
  "CodePipeline job": ({ accountId }) => ({
    "CodePipeline.job": {
      id: UUID,
      accountId,
      data: {
        actionConfiguration: { configuration: { FunctionName: "function", UserParameters: "parameters" } },
        inputArtifacts: [
          {
            name: "artifact",
            revision: null,
            location: { type: "S3", s3Location: { bucketName: "bucket", objectKey: "artifact.zip" } },
          },
        ],
        outputArtifacts: [],
        artifactCredentials: { accessKeyId: "id", secretAccessKey: "key", sessionToken: "token" },
        continuationToken: "1",
      },
    },
  }),
  CodeCommit: ({ accountId, region }) => ({
    Records: [
      {
        awsRegion: region,
        codecommit: {
          references: [{ commit: "5c4ef1049f1d27deadbeeff313e0730018be182b", ref: "refs/heads/main" }],
        },
        customData: "data",
        eventId: UUID,
        eventName: "TriggerEventTest",
        eventPartNumber: 1,
        eventSource: "aws:codecommit",
        eventSourceARN: `arn:aws:codecommit:${region}:${accountId}:repository`,
        eventTime: "2026-01-01T00:00:00.000+0000",
        eventTotalParts: 1,
        eventTriggerConfigId: UUID,
        eventTriggerName: "trigger",
        eventVersion: "1.0",
        userIdentityARN: `arn:aws:iam::${accountId}:user/jane`,
      },
    ],
  }),
  "Secrets Manager rotation": ({ accountId, region }) => ({
    Step: "createSecret",
    SecretId: `arn:aws:secretsmanager:${region}:${accountId}:secret:secret-a1b2c3`,
    ClientRequestToken: UUID,
    RotationToken: "token",
  }),
  "IoT rule": () => ({ deviceId: "thermometer-1", temperature: 21.5, timestamp: Date.parse(AT) }),
  Lex: () => ({
    messageVersion: "1.0",
    invocationSource: "FulfillmentCodeHook",
    inputMode: "Text",
    responseContentType: "text/plain; charset=utf-8",
    sessionId: "session",
    inputTranscript: "I would like flowers",
    bot: {
      id: "BOT1234567",
      name: "shop",
      aliasId: "TSTALIASID",
      aliasName: "test",
      localeId: "en_US",
      version: "DRAFT",
    },
    interpretations: [
      {
        interpretationSource: "Lex",
        nluConfidence: 0.9,
        intent: {
          name: "OrderFlowers",
          state: "ReadyForFulfillment",
          confirmationState: "Confirmed",
          slots: {
            FlowerType: {
              shape: "Scalar",
              value: { originalValue: "roses", interpretedValue: "roses", resolvedValues: ["roses"] },
            },
          },
        },
      },
    ],
    proposedNextState: null,
    requestAttributes: {},
    sessionState: {
      activeContexts: [],
      sessionAttributes: {},
      originatingRequestId: UUID,
      intent: { name: "OrderFlowers", state: "ReadyForFulfillment", confirmationState: "Confirmed", slots: {} },
    },
    transcriptions: [{ transcription: "I would like flowers", transcriptionConfidence: 1, resolvedSlots: {} }],
  }),
  "Step Functions task": ({ accountId, region }) => ({
    input: { orderId: "1" },
    execution: `arn:aws:states:${region}:${accountId}:execution:machine:${UUID}`,
    taskToken: "token",
  }),
} as const satisfies Partial<Record<SampleName, Sample>>;

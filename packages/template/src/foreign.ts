/**
 * Names for resources that Thaw does not have, as `sam local` gives them: a name that the template itself gives, else
 * the logical id, and an ARN around it. A function gets them in its variables, and `--env-vars` gives others.
 */
import type { TemplateMap, TemplateValue } from "./value.ts";

interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** Properties that name a resource, and what `Ref` of it gives on AWS too. */
const NAME_PROPERTIES = [
  "TableName",
  "BucketName",
  "QueueName",
  "TopicName",
  "RoleName",
  "LogGroupName",
  "StreamName",
  "EventBusName",
  "StateMachineName",
  "FunctionName",
  "Name",
];

/** The part of an ARN after `arn:aws:`, by the type's beginning; R: region, A: account, N: name. */
const ARNS: ReadonlyArray<readonly [string, string]> = [
  ["AWS::DynamoDB::", "dynamodb:R:A:table/N"],
  ["AWS::Serverless::SimpleTable", "dynamodb:R:A:table/N"],
  ["AWS::S3::Bucket", "s3:::N"],
  ["AWS::SQS::", "sqs:R:A:N"],
  ["AWS::SNS::", "sns:R:A:N"],
  ["AWS::IAM::ManagedPolicy", "iam::A:policy/N"],
  ["AWS::IAM::", "iam::A:role/N"],
  ["AWS::Logs::LogGroup", "logs:R:A:log-group:N:*"],
  ["AWS::Kinesis::", "kinesis:R:A:stream/N"],
  ["AWS::KinesisFirehose::", "firehose:R:A:deliverystream/N"],
  ["AWS::Events::EventBus", "events:R:A:event-bus/N"],
  ["AWS::Events::Rule", "events:R:A:rule/N"],
  ["AWS::StepFunctions::", "states:R:A:stateMachine:N"],
  ["AWS::Serverless::StateMachine", "states:R:A:stateMachine:N"],
  ["AWS::SecretsManager::", "secretsmanager:R:A:secret:N"],
  ["AWS::KMS::", "kms:R:A:key/N"],
  ["AWS::SSM::Parameter", "ssm:R:A:parameter/N"],
  ["AWS::EFS::AccessPoint", "elasticfilesystem:R:A:access-point/N"],
  ["AWS::EFS::", "elasticfilesystem:R:A:file-system/N"],
  ["AWS::Cognito::UserPool", "cognito-idp:R:A:userpool/N"],
];

/** The property that names a resource; undefined where it has none. */
export function givenName(properties: TemplateMap): TemplateValue | undefined {
  return NAME_PROPERTIES.map((key) => properties[key]).find((value) => value !== undefined);
}

export function arnOf(type: string, name: string, { region, accountId }: Place): string {
  const form = ARNS.find(([begin]) => type.startsWith(begin))?.[1];
  const service = (type.split("::")[1] ?? "").toLowerCase();
  const parts: Readonly<Record<string, string>> = { R: region, A: accountId, N: name };
  const own = (form ?? `${service}:R:A:N`).replace(/\b[RAN]\b/g, (letter) => parts[letter] ?? letter);
  return `arn:aws:${own}`;
}

/** An attribute: an ARN where its name says so, else the name and the attribute. */
export function attributeOf(type: string, name: string, attribute: string, place: Place): string {
  if (attribute.endsWith("Arn")) return arnOf(type, name, place);
  return /(?:Name|Id)$/.test(attribute) ? name : `${name}.${attribute}`;
}

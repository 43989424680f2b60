/** Events to begin with. Their content is loaded when one is chosen. */

export const SAMPLE_NAMES = [
  "Empty",
  "API Gateway HTTP API",
  "API Gateway REST API",
  "API Gateway WebSocket",
  "API Gateway Lambda authorizer",
  "Function URL",
  "Application Load Balancer",
  "SQS",
  "SNS",
  "EventBridge",
  "Schedule",
  "S3 put",
  "S3 delete",
  "DynamoDB stream",
  "Kinesis",
  "Data Firehose transformation",
  "Kafka (Amazon MSK)",
  "Amazon MQ (ActiveMQ)",
  "Amazon MQ (RabbitMQ)",
  "DocumentDB",
  "CloudWatch Logs",
  "CloudWatch alarm",
  "Cognito pre sign-up",
  "CloudFormation custom resource",
  "Config rule",
  "CodePipeline job",
  "CodeCommit",
  "Secrets Manager rotation",
  "IoT rule",
  "Lex",
  "SES receipt",
  "Step Functions task",
] as const;

export type SampleName = (typeof SAMPLE_NAMES)[number];

/** Where the events say to come from: the account and region of the login. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

export type Sample = (place: Place) => unknown;

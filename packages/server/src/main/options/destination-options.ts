/** Settings of the services that take results of asynchronous invokes, and that event source mappings read. */
import { defaulted, optional } from "./declaration.ts";
import { awsEndpoints, serverUrl, text } from "./value-types.ts";

export const DESTINATION_OPTIONS = {
  awsEndpoints: defaulted({
    name: "aws-endpoint",
    flag: "[SERVICE=]URL",
    isList: true,
    variable: "THAW_AWS_ENDPOINTS",
    type: awsEndpoints,
    default: "",
    defaultText: "AWS's",
    unit: null,
    help: "where destinations and dead letters of asynchronous invokes go, which queues and streams event source mappings read, and where stacks make queues, topics, tables, streams and secrets: a service with AWS's API, for all or for one of sqs, sns, events (EventBridge), s3, kinesis, dynamodb, dynamodbstreams (dynamodb's where it has none) and secretsmanager; repeatable",
  }),
  callbackBase: optional({
    name: "callback-base",
    flag: "URL",
    variable: "THAW_CALLBACK_BASE",
    type: serverUrl,
    defaultText: "the address that the server listens at",
    unit: null,
    help: "where the service of topics (--aws-endpoint sns=URL) reaches this server, to send what functions subscribe",
  }),
  awsKeyId: optional({
    name: "aws-key-id",
    flag: null,
    variable: "THAW_AWS_KEY_ID",
    type: text("a key id"),
    defaultText: "AWS's usual search: variables, profile, role of the machine",
    unit: null,
    help: "key id for destinations, dead letters, event sources and resources that are passed through",
  }),
  awsSecretKey: optional({
    name: "aws-secret-key",
    flag: null,
    variable: "THAW_AWS_SECRET_KEY",
    type: text("a secret key"),
    defaultText: "AWS's usual search",
    unit: null,
    isSecret: true,
    help: "secret key of THAW_AWS_KEY_ID",
  }),
};

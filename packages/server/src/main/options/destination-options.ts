/** Settings of the services that take results of asynchronous invokes. */
import { defaulted, optional } from "./declaration.ts";
import { awsEndpoints, text } from "./value-types.ts";

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
    help: "where destinations and dead letters of asynchronous invokes go: a service with AWS's API, for all or for one of sqs, sns, events (EventBridge) and s3; repeatable",
  }),
  awsKeyId: optional({
    name: "aws-key-id",
    flag: null,
    variable: "THAW_AWS_KEY_ID",
    type: text("a key id"),
    defaultText: "AWS's usual search: variables, profile, role of the machine",
    unit: null,
    help: "key id for destinations and dead letters",
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

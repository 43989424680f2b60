/**
 * Every other AWS service: answers in its own protocol that Thaw does not have it, and what to use instead. A tool that
 * was pointed here as a whole (`AWS_ENDPOINT_URL`) then shows that sentence. Nothing is looked up, so no signature is
 * verified, and no body is read.
 */
import { foreignError, type ForeignRequest, LAMBDA, readForeign } from "@thaw/aws-api";
import { PROGRAM } from "@thaw/installation";
import { toReply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import type { Front } from "./front.ts";

interface Instead {
  readonly name: string;
  /** What to use in its place. */
  readonly use: string;
}

const ELSEWHERE =
  "Where the real service is meant, set AWS_ENDPOINT_URL_LAMBDA instead of AWS_ENDPOINT_URL (or --endpoint-url).";
/** A service is known by the scope of a signature only. */
const UNSIGNED =
  "The request has no signature, so that Thaw can't tell which AWS service it is for, and serves none. " +
  "Operations of STS that need none, AssumeRoleWithWebIdentity and AssumeRoleWithSAML, are not there: " +
  "use the access key of an account, or AssumeRole.";
const METRICS = "Metrics are at /_thaw/v1/metrics.";

/** By the name in the scope of the signature. */
const INSTEAD: Readonly<Record<string, Instead>> = {
  monitoring: { name: "CloudWatch", use: METRICS },
  xray: { name: "X-Ray", use: "Traces can be sent by OpenTelemetry." },
  secretsmanager: { name: "Secrets Manager", use: "Give values in the function's environment variables." },
  states: { name: "Step Functions", use: "" },
  pipes: { name: "EventBridge Pipes", use: "" },
  sqs: { name: "SQS", use: "" },
  sns: { name: "SNS", use: "" },
  dynamodb: { name: "DynamoDB", use: "" },
  kinesis: { name: "Kinesis", use: "" },
  kms: { name: "KMS", use: `Thaw's own keys are made with '${PROGRAM} keys create ARN'.` },
  ec2: { name: "EC2", use: "" },
};

/** Finds the service that a request is for; null where it is the Lambda API's or Thaw's, or says nothing. */
export function otherService(head: Pick<WireHead, "method" | "path" | "query" | "headers">): ForeignRequest | null {
  const found = readForeign(head);
  return found === null || found.service === LAMBDA.scope ? null : found;
}

/** Creates the front of a service that Thaw does not have. */
export function createOtherFront({ service, protocol }: ForeignRequest): Front {
  return {
    admit: (head) => toReply(foreignError(protocol, head, "NotImplementedException", sentence(service))),
  };
}

function sentence(service: string | null): string {
  if (service === null) return UNSIGNED;
  const known = Object.hasOwn(INSTEAD, service) ? INSTEAD[service] : undefined;
  const name = known?.name ?? `the AWS service ${service}`;
  return [`Thaw does not have ${name}.`, known?.use ?? "", ELSEWHERE].filter((part) => part !== "").join(" ");
}

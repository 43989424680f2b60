/** Why a type of AWS's is refused: sentences that say what to do. */
import { endpointAdvice, type PassedService } from "../../ports/passed-services.ts";
import { TYPE_NAMES } from "./generated/type-names.ts";

const NAMES: ReadonlySet<string> = new Set(TYPE_NAMES);
const BY_ARN = "make it in AWS, or in a program that speaks its API, and give its ARN as a parameter";
const NO_SERVER = "Thaw runs functions only, and starts no servers: give the address of one as a parameter";

/** By the beginning of the type; the longest one counts. */
const SENTENCES: Readonly<Record<string, string>> = {
  "AWS::ApiGateway::": "REST APIs have no keys, usage plans, domain names and links here: leave it out by a condition",
  "AWS::ApiGatewayV2::": "only HTTP APIs with Lambda integrations are there",
  "AWS::AppSync::": "there is no AppSync: call functions by HTTP APIs or function URLs",
  "AWS::AmazonMQ::": NO_SERVER,
  "AWS::Cognito::": "there are no user pools: use a JWT authorizer with the issuer that you have",
  "AWS::CloudFormation::Macro":
    "macros other than AWS::Serverless, AWS::LanguageExtensions and AWS::Include are not run",
  "AWS::CloudFormation::WaitCondition": "nothing here can answer it: leave it out by a condition",
  "AWS::CodeDeploy::": "an alias goes to its new version at once, and no hooks are called: leave it out by a condition",
  "AWS::DynamoDB::": `Thaw has no tables but AWS::DynamoDB::Table: ${BY_ARN}`,
  "AWS::DocDB::": NO_SERVER,
  "AWS::EC2::": NO_SERVER,
  "AWS::ECS::": NO_SERVER,
  "AWS::EKS::": NO_SERVER,
  "AWS::ElastiCache::": NO_SERVER,
  "AWS::Kinesis::": `of Kinesis, Thaw has AWS::Kinesis::Stream only: ${BY_ARN}`,
  "AWS::KMS::Key": "keys are made with 'thaw keys create ARN': give the ARN as a parameter",
  "AWS::MSK::": NO_SERVER,
  "AWS::Pipes::": "there are no pipes: use an event source mapping",
  "AWS::RDS::": NO_SERVER,
  "AWS::SecretsManager::": `of Secrets Manager, Thaw has AWS::SecretsManager::Secret only: leave it out`,
  "AWS::Serverless::": "the template has no 'Transform: AWS::Serverless-2016-10-31'",
  "AWS::SNS::": `of SNS, Thaw has topics and their policies only: ${BY_ARN}`,
  "AWS::SQS::": `of SQS, Thaw has queues and their policies only: ${BY_ARN}`,
  "AWS::StepFunctions::":
    "there are no state machines: make it in AWS, and give its ARN as a parameter; that of the CDK's Provider is there for isComplete: wait in onEvent, which has 15 minutes",
};
const OTHERWISE = "Thaw does not have this service: make it in AWS, and give its ARN or its name as a parameter";

/** What Thaw has only at an endpoint. */
const PASSED: Readonly<Record<PassedService, string>> = {
  dynamodb: "Thaw has no tables",
  kinesis: "Thaw has no streams",
  secretsmanager: "Thaw keeps no secrets",
  sns: "Thaw has no topics",
  sqs: "Thaw has no queues",
};

/**
 * The sentence, without the type's name; null: AWS has no such type. `service`: the one that would make it, and has no
 * endpoint; null: none does.
 */
export function refusalOf(type: string, service: PassedService | null): string | null {
  const isKnown = NAMES.has(type) || type.startsWith("AWS::Serverless::");
  if (!isKnown) return null;
  if (service !== null)
    return `${PASSED[service]}: ${endpointAdvice(service)}, which makes it there for the operator's account, or give its ARN as a parameter`;
  const [found] = Object.keys(SENTENCES)
    .filter((begin) => type.startsWith(begin))
    .toSorted((a, b) => b.length - a.length);
  return found === undefined ? OTHERWISE : (SENTENCES[found] ?? OTHERWISE);
}

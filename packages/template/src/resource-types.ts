/**
 * Kinds of resources that are noted instead of refused: without them the functions are what they are. They say who may
 * do what (nothing here asks), or keep and show what Thaw keeps and shows in its own way.
 */
const PERMISSIONS = "there is no IAM here";
const WATCHING = "Thaw has its own logs and metrics";
const RECORDS = "describes the deployment only";

const NOTED: Readonly<Record<string, string>> = {
  "AWS::Lambda::LayerVersionPermission": PERMISSIONS,
  "AWS::S3::BucketPolicy": PERMISSIONS,
  "AWS::SQS::QueuePolicy": PERMISSIONS,
  "AWS::SQS::QueueInlinePolicy": PERMISSIONS,
  "AWS::SNS::TopicPolicy": PERMISSIONS,
  "AWS::SNS::TopicInlinePolicy": PERMISSIONS,
  "AWS::SecretsManager::ResourcePolicy": PERMISSIONS,
  "AWS::Events::EventBusPolicy": PERMISSIONS,
  "AWS::Serverless::Connector": PERMISSIONS,
  "AWS::Logs::LogGroup": "the server makes log groups itself and keeps their lines by its own settings",
  "AWS::Logs::LogStream": WATCHING,
  "AWS::Logs::ResourcePolicy": PERMISSIONS,
  "AWS::Logs::MetricFilter": WATCHING,
  "AWS::Logs::QueryDefinition": WATCHING,
  "AWS::CDK::Metadata": RECORDS,
  "AWS::CloudFormation::WaitConditionHandle": RECORDS,
  "AWS::ApplicationInsights::Application": WATCHING,
  "AWS::ResourceGroups::Group": RECORDS,
};
const NOTED_BEGINNINGS: ReadonlyArray<readonly [string, string]> = [
  ["AWS::IAM::", PERMISSIONS],
  ["AWS::CloudWatch::", WATCHING],
  ["AWS::XRay::", WATCHING],
];
/** Resources of osls that carry its own deployment. */
const DEPLOYMENT_IDS = new Set(["ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy"]);

/** Why a resource can be left out without harm; null: it can't. */
export function notedBecause(logicalId: string, type: string): string | null {
  if (DEPLOYMENT_IDS.has(logicalId)) return "thaw deploy takes packages from their folder";
  if (Object.hasOwn(NOTED, type)) return NOTED[type] ?? null;
  return NOTED_BEGINNINGS.find(([begin]) => type.startsWith(begin))?.[1] ?? null;
}

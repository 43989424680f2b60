/**
 * Types that are kept, shown and given ids in AWS's form, and do nothing: what they say, nothing of Thaw asks for, and
 * the functions beside them are what they are without them. A deployment lists them as recorded.
 */
import { createHash } from "node:crypto";
import type { ResourceType } from "@thaw/stacks/resource-type";
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";

/** The beginning of an id that AWS makes up; null: the thing is called by its name, or by one that is made up. */
const RECORDED: Readonly<Record<string, string | null>> = {
  "AWS::ApplicationInsights::Application": null,
  "AWS::CloudFormation::WaitConditionHandle": null,
  "AWS::CloudWatch::Alarm": null,
  "AWS::CloudWatch::AnomalyDetector": null,
  "AWS::CloudWatch::CompositeAlarm": null,
  "AWS::CloudWatch::Dashboard": null,
  "AWS::EC2::EIP": "eipalloc-",
  "AWS::EC2::InternetGateway": "igw-",
  "AWS::EC2::NatGateway": "nat-",
  "AWS::EC2::Route": null,
  "AWS::EC2::RouteTable": "rtb-",
  "AWS::EC2::SecurityGroup": "sg-",
  "AWS::EC2::SecurityGroupEgress": "sgr-",
  "AWS::EC2::SecurityGroupIngress": "sgr-",
  "AWS::EC2::Subnet": "subnet-",
  "AWS::EC2::SubnetRouteTableAssociation": "rtbassoc-",
  "AWS::EC2::VPC": "vpc-",
  "AWS::EC2::VPCEndpoint": "vpce-",
  "AWS::EC2::VPCGatewayAttachment": null,
  "AWS::IAM::Group": null,
  "AWS::IAM::ServiceLinkedRole": null,
  "AWS::KMS::Alias": null,
  "AWS::Logs::LogStream": null,
  "AWS::Logs::MetricFilter": null,
  "AWS::Logs::QueryDefinition": null,
  "AWS::Logs::ResourcePolicy": null,
  "AWS::ResourceGroups::Group": null,
  "AWS::SNS::TopicPolicy": null,
  "AWS::SNS::TopicInlinePolicy": null,
  "AWS::SQS::QueueInlinePolicy": null,
  "AWS::SQS::QueuePolicy": null,
  "AWS::SecretsManager::ResourcePolicy": null,
  "AWS::XRay::Group": null,
  "AWS::XRay::ResourcePolicy": null,
  "AWS::XRay::SamplingRule": null,
};
/** Not in AWS's specification: what CDK writes of itself. */
const CDK_METADATA: ResourceType = {
  name: "AWS::CDK::Metadata",
  kind: "recorded",
  properties: { Analytics: "update", Modules: "update" },
  required: [],
  attributes: [],
  nameProperty: null,
  isTaggable: false,
  canSnapshot: false,
};
const NAME_LENGTH_MAX = 64;
/** Characters of an id in AWS's form. */
const ID_LENGTH = 17;

/** Types of `taken` have a handler of their own. */
export function recordedHandlers(taken: ReadonlySet<string>): readonly Handler[] {
  const types = Object.keys(RECORDED).filter((name) => !taken.has(name));
  return [CDK_METADATA, ...types.map((name) => describeType(name, { kind: "recorded" }))].map(recordedHandler);
}

function recordedHandler(type: ResourceType): Handler {
  const { name } = type;
  const madeOf = (physicalId: string, properties: TemplateMap, context: HandlerContext): Made => ({
    physicalId,
    attributes: Object.fromEntries(
      (type.attributes ?? []).map((each) => [each, attributeOf(name, each, physicalId, properties, context)]),
    ),
  });
  return {
    type,
    async create(properties, context) {
      const named = type.nameProperty === null ? undefined : properties[type.nameProperty];
      const begin = RECORDED[name] ?? null;
      const made = begin === null ? context.makeName(NAME_LENGTH_MAX) : `${begin}${idOf(context.token)}`;
      return madeOf(typeof named === "string" ? named : made, properties, context);
    },
    update: async ({ physicalId }, properties, context) => madeOf(physicalId, properties, context),
    remove: async () => undefined,
  };
}

/** AWS's own value where it follows from the template, else one in its form. */
function attributeOf(
  type: string,
  attribute: string,
  physicalId: string,
  properties: TemplateMap,
  context: HandlerContext,
): string {
  const given = properties[attribute];
  if (typeof given === "string") return given;
  if (attribute === "Arn" || attribute.endsWith("Arn"))
    return physicalId.startsWith("arn:") ? physicalId : arnOf(type, physicalId, context);
  return physicalId;
}

function arnOf(type: string, name: string, { scope }: HandlerContext): string {
  const [, service = "", kind = ""] = type.split("::");
  const { accountId, region } = scope;
  if (service === "IAM") return `arn:aws:iam::${accountId}:${kind.toLowerCase()}/${name}`;
  if (kind === "Alarm" || kind === "CompositeAlarm") return `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`;
  return `arn:aws:${service.toLowerCase()}:${region}:${accountId}:${kind.toLowerCase()}/${name}`;
}

function idOf(seed: string): string {
  return createHash("sha256").update(seed).digest("hex").slice(0, ID_LENGTH);
}

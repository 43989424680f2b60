/** What whoever deploys a template must agree to: CloudFormation asks before it makes roles or runs macros. */
import type { Template } from "@thaw/template/template";
import { isTemplateMap } from "@thaw/template/value";

/** The property that gives a resource of IAM a name of its own. */
const NAMES: Readonly<Record<string, string>> = {
  "AWS::IAM::Group": "GroupName",
  "AWS::IAM::InstanceProfile": "InstanceProfileName",
  "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
  "AWS::IAM::Role": "RoleName",
  "AWS::IAM::User": "UserName",
};
/** Others that give permissions. */
const UNNAMED = new Set(["AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"]);

export interface Capabilities {
  readonly names: readonly string[];
  /** Null: none is needed. */
  readonly reason: string | null;
}

export function capabilitiesOf({ resources, transforms }: Template): Capabilities {
  const types = new Set<string>();
  let isNamed = false;
  for (const resource of Object.values(resources)) {
    if (!isTemplateMap(resource)) continue;
    const type = String(resource["Type"]);
    const property = NAMES[type];
    if (property === undefined && !UNNAMED.has(type)) continue;
    types.add(type);
    const properties = resource["Properties"];
    isNamed ||= property !== undefined && isTemplateMap(properties) && properties[property] !== undefined;
  }
  const iam = types.size === 0 ? [] : [isNamed ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"];
  const expand = transforms.length === 0 ? [] : ["CAPABILITY_AUTO_EXPAND"];
  const reason = types.size === 0 ? null : `The following resource(s) require capabilities: [${[...types].join(", ")}]`;
  return { names: [...iam, ...expand], reason };
}

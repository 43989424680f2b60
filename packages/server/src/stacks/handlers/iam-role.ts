/** AWS::IAM::Role and AWS::IAM::InstanceProfile, recorded by the IAM API of the account. */
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import {
  documentOf,
  given,
  isOwn,
  mapsOf,
  numberOf,
  settle,
  type Tag,
  tagsOf,
  takenName,
  textOf,
  textsOf,
  unless,
} from "./values.ts";

const ROLE_TYPE = "AWS::IAM::Role";
const ROLE_NAME_LENGTH_MAX = 64;
const PROFILE_NAME_LENGTH_MAX = 128;
const HOUR_S = 3600;
const GONE = ["NoSuchEntity"];
const THERE = ["EntityAlreadyExists"];

export const ROLE: Handler = {
  type: describeType(ROLE_TYPE, { kind: "recorded" }),
  async create(properties, context) {
    const RoleName = textOf(properties, "RoleName") ?? context.makeName(ROLE_NAME_LENGTH_MAX);
    const input = given({
      RoleName,
      AssumeRolePolicyDocument: documentOf(properties, "AssumeRolePolicyDocument"),
      Path: textOf(properties, "Path"),
      Description: textOf(properties, "Description"),
      MaxSessionDuration: numberOf(properties, "MaxSessionDuration"),
      PermissionsBoundary: textOf(properties, "PermissionsBoundary"),
      Tags: tagsOf(properties, context),
    });
    const made = await unless(THERE, context.services.call("iam", "CreateRole", input));
    if (made === null && !isOwn(await roleTags(RoleName, context), context))
      throw takenName(ROLE_TYPE, "RoleName", RoleName);
    return settle(RoleName, async () => {
      await changePolicies(RoleName, {}, properties, context);
      return presentRole(RoleName, context);
    });
  },
  async update({ physicalId: RoleName, properties: before }, properties, context) {
    const { services } = context;
    const PolicyDocument = documentOf(properties, "AssumeRolePolicyDocument");
    await services.call("iam", "UpdateAssumeRolePolicy", { RoleName, PolicyDocument });
    await services.call("iam", "UpdateRole", {
      RoleName,
      Description: textOf(properties, "Description") ?? "",
      MaxSessionDuration: numberOf(properties, "MaxSessionDuration") ?? HOUR_S,
    });
    const PermissionsBoundary = textOf(properties, "PermissionsBoundary");
    await (PermissionsBoundary === null
      ? services.call("iam", "DeleteRolePermissionsBoundary", { RoleName })
      : services.call("iam", "PutRolePermissionsBoundary", { RoleName, PermissionsBoundary }));
    await changeTags(RoleName, properties, context);
    await changePolicies(RoleName, before, properties, context);
    return presentRole(RoleName, context);
  },
  async remove({ physicalId: RoleName, properties }, context) {
    const found = await unless(GONE, context.services.call("iam", "GetRole", { RoleName }));
    if (found === null) return;
    await changePolicies(RoleName, properties, {}, context);
    await unless(GONE, context.services.call("iam", "DeleteRole", { RoleName }));
  },
};

/** What others have attached to the role stays. */
async function changePolicies(
  RoleName: string,
  before: TemplateMap,
  after: TemplateMap,
  { services }: HandlerContext,
): Promise<void> {
  const wanted = textsOf(after, "ManagedPolicyArns");
  for (const PolicyArn of textsOf(before, "ManagedPolicyArns"))
    if (!wanted.includes(PolicyArn))
      await unless(GONE, services.call("iam", "DetachRolePolicy", { RoleName, PolicyArn }));
  for (const PolicyArn of wanted) await services.call("iam", "AttachRolePolicy", { RoleName, PolicyArn });
  const inline = mapsOf(after, "Policies");
  const names = inline.map((policy) => textOf(policy, "PolicyName") ?? "");
  for (const policy of mapsOf(before, "Policies")) {
    const PolicyName = textOf(policy, "PolicyName") ?? "";
    if (!names.includes(PolicyName))
      await unless(GONE, services.call("iam", "DeleteRolePolicy", { RoleName, PolicyName }));
  }
  for (const [at, policy] of inline.entries()) {
    const PolicyDocument = documentOf(policy, "PolicyDocument");
    await services.call("iam", "PutRolePolicy", { RoleName, PolicyName: names[at], PolicyDocument });
  }
}

async function changeTags(RoleName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const Tags = tagsOf(properties, context);
  const kept = new Set(Tags.map(({ Key }) => Key));
  const TagKeys = (await roleTags(RoleName, context)).flatMap(({ Key }) => (kept.has(Key) ? [] : [Key]));
  if (TagKeys.length > 0) await context.services.call("iam", "UntagRole", { RoleName, TagKeys });
  if (Tags.length > 0) await context.services.call("iam", "TagRole", { RoleName, Tags });
}

async function roleTags(RoleName: string, { services }: HandlerContext): Promise<readonly Tag[]> {
  return (await services.call("iam", "ListRoleTags", { RoleName }))["Tags"] as readonly Tag[];
}

async function presentRole(RoleName: string, { services }: HandlerContext): Promise<Made> {
  const { Role: role } = (await services.call("iam", "GetRole", { RoleName })) as { readonly Role?: TemplateMap };
  const { Arn = "", RoleId = "" } = isTemplateMap(role) ? role : {};
  return { physicalId: RoleName, attributes: { Arn, RoleId } };
}

const PROFILE_TYPE = "AWS::IAM::InstanceProfile";

export const INSTANCE_PROFILE: Handler = {
  type: describeType(PROFILE_TYPE, { kind: "recorded" }),
  async create(properties, context) {
    const InstanceProfileName = textOf(properties, "InstanceProfileName") ?? context.makeName(PROFILE_NAME_LENGTH_MAX);
    const Path = textOf(properties, "Path");
    const input = given({ InstanceProfileName, Path, Tags: tagsOf({}, context) });
    const { services } = context;
    const made = await unless(THERE, services.call("iam", "CreateInstanceProfile", input));
    if (made === null) {
      const { Tags } = await services.call("iam", "ListInstanceProfileTags", { InstanceProfileName });
      if (!isOwn(Tags as readonly Tag[], context))
        throw takenName(PROFILE_TYPE, "InstanceProfileName", InstanceProfileName);
    }
    return settle(InstanceProfileName, () => setRole(InstanceProfileName, properties, context));
  },
  update: ({ physicalId }, properties, context) => setRole(physicalId, properties, context),
  async remove({ physicalId: InstanceProfileName }, context) {
    const { services } = context;
    for (const RoleName of (await rolesOf(InstanceProfileName, context)) ?? [])
      await unless(GONE, services.call("iam", "RemoveRoleFromInstanceProfile", { InstanceProfileName, RoleName }));
    await unless(GONE, services.call("iam", "DeleteInstanceProfile", { InstanceProfileName }));
  },
};

async function setRole(InstanceProfileName: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const { services, scope } = context;
  const wanted = textsOf(properties, "Roles");
  const now = (await rolesOf(InstanceProfileName, context)) ?? [];
  for (const RoleName of now)
    if (!wanted.includes(RoleName))
      await services.call("iam", "RemoveRoleFromInstanceProfile", { InstanceProfileName, RoleName });
  for (const RoleName of wanted)
    if (!now.includes(RoleName))
      await services.call("iam", "AddRoleToInstanceProfile", { InstanceProfileName, RoleName });
  const path = textOf(properties, "Path") ?? "/";
  const Arn = `arn:aws:iam::${scope.accountId}:instance-profile${path}${InstanceProfileName}`;
  return { physicalId: InstanceProfileName, attributes: { Arn } };
}

/** Null where the profile is gone. */
async function rolesOf(InstanceProfileName: string, { services }: HandlerContext): Promise<readonly string[] | null> {
  const found = await unless(GONE, services.call("iam", "GetInstanceProfile", { InstanceProfileName }));
  if (found === null) return null;
  const { Roles } = found["InstanceProfile"] as { readonly Roles: ReadonlyArray<{ readonly RoleName: string }> };
  return Roles.map(({ RoleName }) => RoleName);
}

/** Policies of IAM: written into roles (AWS::IAM::Policy, AWS::IAM::RolePolicy), and managed ones. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import { documentOf, given, isOwn, settle, type Tag, tagsOf, takenName, textOf, textsOf, unless } from "./values.ts";

const NAME_LENGTH_MAX = 128;
const GONE = ["NoSuchEntity"];
/** There are no users and groups. */
const ROLES_ONLY = "Thaw has roles only: name them in Roles";
const LACKING = { Groups: ROLES_ONLY, Users: ROLES_ONLY };

export const POLICY: Handler = {
  type: describeType("AWS::IAM::Policy", { kind: "recorded", instead: LACKING }),
  create: (properties, context) => writeInto(context.makeName(NAME_LENGTH_MAX), {}, properties, context),
  update: ({ physicalId, properties: before }, properties, context) =>
    writeInto(physicalId, before, properties, context),
  async remove({ properties }, context) {
    await removeFrom(textsOf(properties, "Roles"), textOf(properties, "PolicyName") ?? "", context);
  },
};

async function writeInto(
  physicalId: string,
  before: TemplateMap,
  after: TemplateMap,
  context: HandlerContext,
): Promise<Made> {
  const PolicyName = textOf(after, "PolicyName") ?? "";
  const roles = textsOf(after, "Roles");
  const PolicyDocument = documentOf(after, "PolicyDocument");
  await settle(physicalId, async () => {
    for (const RoleName of roles)
      await context.services.call("iam", "PutRolePolicy", { RoleName, PolicyName, PolicyDocument });
  });
  const nameBefore = textOf(before, "PolicyName") ?? PolicyName;
  const left = textsOf(before, "Roles").filter((role) => nameBefore !== PolicyName || !roles.includes(role));
  await removeFrom(left, nameBefore, context);
  return { physicalId, attributes: { Id: physicalId } };
}

async function removeFrom(roles: readonly string[], PolicyName: string, { services }: HandlerContext): Promise<void> {
  for (const RoleName of roles) await unless(GONE, services.call("iam", "DeleteRolePolicy", { RoleName, PolicyName }));
}

export const ROLE_POLICY: Handler = {
  type: describeType("AWS::IAM::RolePolicy", { kind: "recorded" }),
  create: putRolePolicy,
  update: (_existing, properties, context) => putRolePolicy(properties, context),
  async remove({ properties }, context) {
    await removeFrom([textOf(properties, "RoleName") ?? ""], textOf(properties, "PolicyName") ?? "", context);
  },
};

async function putRolePolicy(properties: TemplateMap, { services }: HandlerContext): Promise<Made> {
  const RoleName = textOf(properties, "RoleName") ?? "";
  const PolicyName = textOf(properties, "PolicyName") ?? "";
  const PolicyDocument = documentOf(properties, "PolicyDocument");
  await services.call("iam", "PutRolePolicy", { RoleName, PolicyName, PolicyDocument });
  return { physicalId: `${PolicyName}|${RoleName}` };
}

const MANAGED_TYPE = "AWS::IAM::ManagedPolicy";

export const MANAGED_POLICY: Handler = {
  type: describeType(MANAGED_TYPE, {
    kind: "recorded",
    instead: LACKING,
    attributes: ["DefaultVersionId", "PolicyArn", "PolicyId"],
  }),
  async create(properties, context) {
    const { services, scope } = context;
    const PolicyName = textOf(properties, "ManagedPolicyName") ?? context.makeName(NAME_LENGTH_MAX);
    const Path = textOf(properties, "Path") ?? "/";
    const PolicyDocument = documentOf(properties, "PolicyDocument");
    const Description = textOf(properties, "Description");
    const input = given({ PolicyName, Path, PolicyDocument, Description, Tags: tagsOf({}, context) });
    const PolicyArn = `arn:aws:iam::${scope.accountId}:policy${Path}${PolicyName}`;
    const made = await unless(["EntityAlreadyExists"], services.call("iam", "CreatePolicy", input));
    if (made === null) {
      const found = await unless(GONE, services.call("iam", "ListPolicyTags", { PolicyArn }));
      if (!isOwn((found?.["Tags"] ?? []) as readonly Tag[], context))
        throw takenName(MANAGED_TYPE, "ManagedPolicyName", PolicyName);
    }
    return settle(PolicyArn, () => attach(PolicyArn, {}, properties, context));
  },
  async update({ physicalId: PolicyArn, properties: before }, properties, context) {
    const PolicyDocument = documentOf(properties, "PolicyDocument");
    if (PolicyDocument !== documentOf(before, "PolicyDocument")) await addVersion(PolicyArn, PolicyDocument, context);
    return attach(PolicyArn, before, properties, context);
  },
  async remove({ physicalId: PolicyArn, properties }, context) {
    await detach(PolicyArn, textsOf(properties, "Roles"), context);
    for (const VersionId of (await otherVersions(PolicyArn, context)) ?? [])
      await context.services.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId });
    await unless(GONE, context.services.call("iam", "DeletePolicy", { PolicyArn }));
  },
};

/** The oldest makes room: a policy has five. */
async function addVersion(PolicyArn: string, PolicyDocument: string, context: HandlerContext): Promise<void> {
  const { services } = context;
  const others = (await otherVersions(PolicyArn, context)) ?? [];
  const oldest = others.at(-1);
  if (others.length >= 4 && oldest !== undefined)
    await services.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId: oldest });
  await services.call("iam", "CreatePolicyVersion", { PolicyArn, PolicyDocument, SetAsDefault: true });
}

/** Ids of all versions but the default one, the newest first; null where the policy is gone. */
async function otherVersions(PolicyArn: string, { services }: HandlerContext): Promise<readonly string[] | null> {
  const found = await unless(GONE, services.call("iam", "ListPolicyVersions", { PolicyArn }));
  if (found === null) return null;
  const versions = found["Versions"] as ReadonlyArray<{
    readonly VersionId: string;
    readonly IsDefaultVersion: boolean;
  }>;
  return versions.flatMap(({ VersionId, IsDefaultVersion }) => (IsDefaultVersion ? [] : [VersionId]));
}

async function attach(
  PolicyArn: string,
  before: TemplateMap,
  after: TemplateMap,
  context: HandlerContext,
): Promise<Made> {
  const roles = textsOf(after, "Roles");
  await detach(
    PolicyArn,
    textsOf(before, "Roles").filter((role) => !roles.includes(role)),
    context,
  );
  for (const RoleName of roles) await context.services.call("iam", "AttachRolePolicy", { RoleName, PolicyArn });
  const { Policy } = (await context.services.call("iam", "GetPolicy", { PolicyArn })) as {
    readonly Policy: { readonly PolicyId: string; readonly DefaultVersionId: string };
  };
  const { PolicyId, DefaultVersionId } = Policy;
  return { physicalId: PolicyArn, attributes: { PolicyArn, PolicyId, DefaultVersionId } };
}

async function detach(PolicyArn: string, roles: readonly string[], { services }: HandlerContext): Promise<void> {
  for (const RoleName of roles) await unless(GONE, services.call("iam", "DetachRolePolicy", { RoleName, PolicyArn }));
}

/** IAM's entities as answers show them. */
import type { InstanceProfile, Policy, PolicyVersion, Role } from "@thaw/aws-api/iam";
import type {
  InstanceProfileRecord,
  ManagedPolicyRecord,
  PolicyVersionInfo,
  RoleRecord,
} from "../../model/iam/records.ts";
import { type Entities, readPolicyArn } from "./context.ts";
import { showTags } from "./tags.ts";

/** Documents are encoded as RFC 3986 says, and clients decode them. */
export function encodeDocument(document: string): string {
  return encodeURIComponent(document).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** As lists show a role. */
export function presentRole(entities: Entities, role: RoleRecord): Role {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.uniqueId,
    Arn: entities.arnOf("role", role),
    CreateDate: new Date(role.createdAtMs),
    AssumeRolePolicyDocument: encodeDocument(role.trustPolicy),
    ...(role.description === "" ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionS,
  };
}

/** As GetRole shows it: when it was used last nobody keeps. */
export function presentRoleWhole(entities: Entities, role: RoleRecord): Role {
  const { permissionsBoundary: boundary, tags } = role;
  return {
    ...presentRole(entities, role),
    ...(boundary === null
      ? {}
      : {
          PermissionsBoundary: {
            PermissionsBoundaryType: "PermissionsBoundaryPolicy",
            PermissionsBoundaryArn: boundary,
          },
        }),
    ...(Object.keys(tags).length === 0 ? {} : { Tags: showTags(tags) }),
    RoleLastUsed: {},
  };
}

export function presentPolicy(entities: Entities, policy: ManagedPolicyRecord): Policy {
  return {
    PolicyName: policy.name,
    PolicyId: policy.uniqueId,
    Arn: entities.arnOf("policy", policy),
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: policy.attachments,
    PermissionsBoundaryUsageCount: policy.boundaries,
    IsAttachable: true,
    CreateDate: new Date(policy.createdAtMs),
    UpdateDate: new Date(policy.updatedAtMs),
  };
}

/** As GetPolicy and CreatePolicy show it. */
export function presentPolicyWhole(entities: Entities, policy: ManagedPolicyRecord): Policy {
  const { description, tags } = policy;
  return {
    ...presentPolicy(entities, policy),
    ...(description === "" ? {} : { Description: description }),
    ...(Object.keys(tags).length === 0 ? {} : { Tags: showTags(tags) }),
  };
}

/** One of AWS's own, of which no more is known than its name and path. */
export function presentAwsPolicy(arn: string, attachments: number): Policy {
  const { path, name } = readPolicyArn(arn);
  return {
    PolicyName: name,
    Arn: arn,
    Path: path,
    DefaultVersionId: "v1",
    AttachmentCount: attachments,
    IsAttachable: true,
  };
}

export function presentVersion(
  policy: ManagedPolicyRecord,
  { id, createdAtMs }: PolicyVersionInfo,
  document: string | null,
): PolicyVersion {
  return {
    ...(document === null ? {} : { Document: encodeDocument(document) }),
    VersionId: id,
    IsDefaultVersion: id === policy.defaultVersion,
    CreateDate: new Date(createdAtMs),
  };
}

export function presentProfile(
  entities: Entities,
  profile: InstanceProfileRecord,
  role: RoleRecord | null,
): InstanceProfile {
  return {
    Path: profile.path,
    InstanceProfileName: profile.name,
    InstanceProfileId: profile.uniqueId,
    Arn: entities.arnOf("instance-profile", profile),
    CreateDate: new Date(profile.createdAtMs),
    Roles: role === null ? [] : [presentRole(entities, role)],
    ...(Object.keys(profile.tags).length === 0 ? {} : { Tags: showTags(profile.tags) }),
  };
}

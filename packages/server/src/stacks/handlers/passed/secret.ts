/** AWS::SecretsManager::Secret, at the endpoint of Secrets Manager. Thaw keeps no value of it. */
import { isDeepStrictEqual } from "node:util";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { requestTokenOf } from "../../made-name.ts";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import type { Tags } from "../own.ts";
import { booleanOf, given, mapOf, numberOf, takenName, textOf, unless } from "../values.ts";
import { isPassedOwn, passedTagChanges, passedTags, tagList, tagsOfList } from "./passed.ts";

const TYPE = "AWS::SecretsManager::Secret";
const NAME_LENGTH_MAX = 256;
const MISSING = ["ResourceNotFoundException"];
const EXCLUSIONS = ["ExcludeLowercase", "ExcludeNumbers", "ExcludePunctuation", "ExcludeUppercase"];

interface Description {
  readonly ARN: string;
  readonly Tags?: unknown;
  readonly DeletedDate?: unknown;
  readonly VersionIdsToStages?: Readonly<Record<string, unknown>>;
}

export const SECRET: Handler = {
  service: "secretsmanager",
  type: describeType(TYPE, { without: ["ReplicaRegions", "Type"] }),
  async create(properties, context) {
    const { services } = context;
    const Name = textOf(properties, "Name") ?? context.makeName(NAME_LENGTH_MAX);
    const found = await describe(Name, context);
    if (found !== null) {
      if (!isPassedOwn(tagsOf(found), context)) throw takenName(TYPE, "Name", Name);
      return madeOf(found.ARN);
    }
    // The value is made first: a secret that is there is whole.
    const value = await valueOf(properties, context);
    const made = await services.call("secretsmanager", "CreateSecret", {
      ...given({
        Name,
        Description: textOf(properties, "Description"),
        KmsKeyId: textOf(properties, "KmsKeyId"),
        SecretString: value,
      }),
      ClientRequestToken: requestTokenOf(context),
      Tags: tagList(passedTags(properties["Tags"], context)),
    });
    return madeOf(String(made["ARN"]));
  },
  async update({ physicalId: SecretId, properties: before }, properties, context) {
    const { services } = context;
    const found = await describe(SecretId, context);
    if (found === null) throw new HandlerError(`The secret ${SecretId} is not there any more`);
    const described = given({
      Description: textOf(properties, "Description") ?? (before["Description"] === undefined ? null : ""),
      KmsKeyId: textOf(properties, "KmsKeyId"),
    });
    if (Object.keys(described).length > 0)
      await services.call("secretsmanager", "UpdateSecret", { SecretId, ...described });
    await changeValue(found, before, properties, context);
    const { set, gone } = passedTagChanges(tagsOf(found), passedTags(properties["Tags"], context));
    if (Object.keys(set).length > 0)
      await services.call("secretsmanager", "TagResource", { SecretId, Tags: tagList(set) });
    if (gone.length > 0) await services.call("secretsmanager", "UntagResource", { SecretId, TagKeys: gone });
    return madeOf(SecretId);
  },
  async remove({ physicalId: SecretId }, { services }) {
    // As CloudFormation does: the name is free at once.
    const wish = { SecretId, ForceDeleteWithoutRecovery: true };
    await unless(MISSING, services.call("secretsmanager", "DeleteSecret", wish));
  },
};

/** A version is named by the action's token: after a crash it is found by it. */
async function changeValue(
  { ARN: SecretId, VersionIdsToStages: versions = {} }: Description,
  before: TemplateMap,
  properties: TemplateMap,
  context: HandlerContext,
): Promise<void> {
  const isSame = ["SecretString", "GenerateSecretString"].every((name) =>
    isDeepStrictEqual(before[name], properties[name]),
  );
  const ClientRequestToken = requestTokenOf(context);
  if (isSame || Object.hasOwn(versions, ClientRequestToken)) return;
  const SecretString = await valueOf(properties, context);
  if (SecretString === null) return;
  await context.services.call("secretsmanager", "PutSecretValue", { SecretId, SecretString, ClientRequestToken });
}

/** Null where the template gives none. */
async function valueOf(properties: TemplateMap, context: HandlerContext): Promise<string | null> {
  const text = textOf(properties, "SecretString");
  const generate = mapOf(properties, "GenerateSecretString");
  if (text !== null && generate !== null)
    throw new HandlerError("Give SecretString or GenerateSecretString, not both.");
  return generate === null ? text : generated(generate, context);
}

async function generated(wish: TemplateMap, { services }: HandlerContext): Promise<string> {
  const template = textOf(wish, "SecretStringTemplate");
  const key = textOf(wish, "GenerateStringKey");
  if ((template === null) !== (key === null))
    throw new HandlerError("SecretStringTemplate and GenerateStringKey belong together: give both, or none.");
  const { RandomPassword: password } = await services.call(
    "secretsmanager",
    "GetRandomPassword",
    given({
      PasswordLength: numberOf(wish, "PasswordLength"),
      ExcludeCharacters: textOf(wish, "ExcludeCharacters"),
      IncludeSpace: booleanOf(wish, "IncludeSpace"),
      RequireEachIncludedType: booleanOf(wish, "RequireEachIncludedType"),
      ...Object.fromEntries(EXCLUSIONS.map((name) => [name, booleanOf(wish, name)])),
    }),
  );
  if (template === null || key === null) return String(password);
  return JSON.stringify({ ...readTemplate(template), [key]: String(password) });
}

function readTemplate(text: string): TemplateMap {
  try {
    const value: unknown = JSON.parse(text);
    if (isTemplateMap(value)) return value;
  } catch {
    // Told below.
  }
  throw new HandlerError("SecretStringTemplate must be a JSON object.");
}

async function describe(SecretId: string, { services }: HandlerContext): Promise<Description | null> {
  const found = await unless(MISSING, services.call("secretsmanager", "DescribeSecret", { SecretId }));
  return found as Description | null;
}

function tagsOf({ Tags: tags }: Description): Tags {
  return tagsOfList(tags);
}

function madeOf(arn: string): Made {
  return { physicalId: arn, attributes: { Id: arn } };
}

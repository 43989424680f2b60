/** PutParameter: a new parameter, or a new version of one. */
import type { OperationTypes } from "@thaw/aws-api/ssm";
import type { ParameterRecord, ParameterValueRecord, ParameterVersionInfo } from "../../model/parameter-record.ts";
import { valueId } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceContext } from "../aws-service.ts";
import { changeEntries } from "../entries.ts";
import { checkNewName, checkRoom, invalid, type SsmParts, VERSIONS_MAX } from "./context.ts";
import { DEFAULT_KEY, sealValue } from "./sealed-values.ts";
import { withTags } from "./tags.ts";

type Input = OperationTypes["PutParameter"]["input"];

const STANDARD_BYTES_MAX = 4096;
const ADVANCED_BYTES_MAX = 8192;

export function putParameter(
  parts: SsmParts,
  input: Input,
  { caller }: ServiceContext,
): Promise<OperationTypes["PutParameter"]["output"]> {
  const { Name: name, Overwrite = false } = input;
  checkNewName(name);
  checkMembers(input);
  return changeEntries(parts.store, "TooManyUpdates", async (store) => {
    const over = await store.getAccountEntry("ssmParameter", name);
    if (over !== null && !Overwrite)
      throw new ServiceError(
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
      );
    const type = typeOf(input, over);
    const tier = tierOf(input, over);
    const version = (over?.version ?? 0) + 1;
    const before = over?.versions ?? [];
    const info: ParameterVersionInfo = {
      version,
      description: input.Description ?? before.at(-1)?.description ?? "",
      tier,
      keyId: type === "SecureString" ? (input.KeyId ?? DEFAULT_KEY) : null,
      labels: [],
      modifiedMs: parts.clock.nowMs(),
      modifiedBy: caller.principalArn,
    };
    const value: ParameterValueRecord =
      info.keyId === null
        ? { id: valueId(name, version), value: input.Value, wrappedKey: null, keyArn: null }
        : await sealValue(parts, name, version, input.Value, info.keyId);
    const { kept, removed } = await withoutOldest(parts, name, before);
    const tags = over?.tags ?? withTags({}, input.Tags ?? [], caller);
    const record: ParameterRecord = { id: name, type, version, versions: [...kept, info], tags };
    await checkRoom(parts, "ssmParameter", over, record);
    await checkRoom(parts, "ssmParameterValue", removed, value);
    const writes: readonly Write[] = [
      { op: "put", kind: "ssmParameter", record, over },
      { op: "put", kind: "ssmParameterValue", record: value, over: null },
      ...(removed === null ? [] : [{ op: "remove", kind: "ssmParameterValue", record: removed } as const]),
    ];
    return { writes, result: { Version: version, Tier: tier } };
  });
}

/** Refuses what would have no effect. */
function checkMembers({
  Value,
  Tags = [],
  Overwrite = false,
  AllowedPattern,
  Policies,
  DataType = "text",
  Type,
  KeyId,
}: Input): void {
  if (Value === "") throw invalid("Parameter value can't be empty.");
  if (Tags.length > 0 && Overwrite)
    throw invalid(
      "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove " +
        "overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
    );
  if (AllowedPattern !== undefined && AllowedPattern !== "")
    throw invalid("Thaw does not have AllowedPattern: check the value before it is put, and leave it out.");
  if (Policies !== undefined && Policies !== "" && Policies !== "[]" && Policies !== "{}")
    throw invalid("Thaw does not have Policies of parameters: leave them out.");
  if (DataType !== "text") throw invalid("Thaw has parameters of the DataType text only.");
  if (KeyId !== undefined && Type !== undefined && Type !== "SecureString")
    throw invalid("KeyId is required for SecureString type parameter only.");
}

function typeOf({ Type: type }: Input, over: ParameterRecord | null): ParameterRecord["type"] {
  const chosen = type ?? over?.type;
  if (chosen === undefined) throw invalid("A parameter type is required when you create a parameter.");
  if (over !== null && chosen !== over.type)
    throw new ServiceError(
      "HierarchyTypeMismatchException",
      `The parameter is a ${over.type} and can't become a ${chosen}: make one with another name.`,
    );
  return chosen;
}

/** A tier is never left for a lower one. */
function tierOf({ Value, Tier: tier = "Standard" }: Input, over: ParameterRecord | null): ParameterVersionInfo["tier"] {
  const bytes = Buffer.byteLength(Value);
  const isAdvanced = over?.versions.at(-1)?.tier === "Advanced" || tier === "Advanced";
  const chosen = isAdvanced || (tier === "Intelligent-Tiering" && bytes > STANDARD_BYTES_MAX) ? "Advanced" : "Standard";
  if (chosen === "Standard" && bytes > STANDARD_BYTES_MAX)
    throw invalid(
      `Standard tier parameters support a maximum parameter value of ${STANDARD_BYTES_MAX} characters. To create a ` +
        "larger parameter value, upgrade the parameter to use the advanced-parameter tier.",
    );
  if (bytes > ADVANCED_BYTES_MAX)
    throw invalid(`Advanced tier parameters support a maximum parameter value of ${ADVANCED_BYTES_MAX} characters.`);
  return chosen;
}

/** The oldest makes room, unless it has a label. `removed`: its value. */
async function withoutOldest({ store }: SsmParts, name: string, before: readonly ParameterVersionInfo[]) {
  const [oldest, ...younger] = before;
  if (oldest === undefined || before.length < VERSIONS_MAX) return { kept: before, removed: null };
  if (oldest.labels.length > 0)
    throw new ServiceError(
      "ParameterMaxVersionLimitExceeded",
      `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. ` +
        `Version ${oldest.version}, the oldest version, can't be deleted because it has a label associated with it. ` +
        "Move the label to another version of the parameter, and try again.",
    );
  return { kept: younger, removed: await store.getAccountEntry("ssmParameterValue", valueId(name, oldest.version)) };
}

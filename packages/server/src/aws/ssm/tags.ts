/** Tags of parameters. */
import type { OperationTypes } from "@thaw/aws-api/ssm";
import { type Caller, isServer } from "../../model/caller.ts";
import type { ParameterRecord } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { changeEntries } from "../entries.ts";
import { checkRoom, invalid, type SsmParts } from "./context.ts";

type Tags = Readonly<Record<string, string>>;

const TAGS_MAX = 50;

/** Only the server itself gives AWS's own, which say what a stack made. */
export function withTags(
  before: Tags,
  added: ReadonlyArray<{ readonly Key: string; readonly Value: string }>,
  caller: Caller,
): Tags {
  if (!isServer(caller) && added.some(({ Key }) => Key.toLowerCase().startsWith("aws:")))
    throw invalid("Tag keys that begin with aws: are AWS's own.");
  const tags = { ...before, ...Object.fromEntries(added.map(({ Key, Value }) => [Key, Value])) };
  if (Object.keys(tags).length > TAGS_MAX)
    throw new ServiceError("TooManyTagsError", `A parameter can have ${TAGS_MAX} tags at most.`);
  return tags;
}

export function tagOperations(parts: SsmParts): ServiceOperations<OperationTypes> {
  const change = (input: Tagged, edit: (tags: Tags) => Tags): Promise<Record<string, never>> =>
    changeEntries(parts.store, "TooManyUpdates", async () => {
      const over = await findTagged(parts, input);
      const record = { ...over, tags: edit(over.tags) };
      await checkRoom(parts, "ssmParameter", over, record);
      return { writes: [{ op: "put", kind: "ssmParameter", record, over }], result: {} };
    });
  return {
    AddTagsToResource: (input, { caller }) => change(input, (tags) => withTags(tags, input.Tags, caller)),
    RemoveTagsFromResource: (input) =>
      change(input, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !input.TagKeys.includes(key)))),
    async ListTagsForResource(input) {
      const { tags } = await findTagged(parts, input);
      return { TagList: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

interface Tagged {
  readonly ResourceType: string;
  readonly ResourceId: string;
}

async function findTagged({ store }: SsmParts, { ResourceType, ResourceId }: Tagged) {
  if (ResourceType !== "Parameter")
    throw new ServiceError("InvalidResourceType", "Of Systems Manager Thaw has parameters only.");
  const found = await store.getAccountEntry("ssmParameter", ResourceId);
  if (found === null) throw new ServiceError("InvalidResourceId", `There is no parameter ${ResourceId.slice(0, 200)}.`);
  return found satisfies ParameterRecord;
}

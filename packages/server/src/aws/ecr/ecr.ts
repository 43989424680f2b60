/**
 * ECR, recorded: repositories are kept and shown, for the tools that make them before anything else, and hold no
 * images. Images come from a registry that the operator names.
 */
import { ECR, type OperationTypes, type Repository } from "@thaw/aws-api/ecr";
import type { Clock } from "../../base/clock.ts";
import { type Caller, isServer } from "../../model/caller.ts";
import type { AccountScope } from "../../model/function-name.ts";
import type { RepositoryRecord } from "../../model/repository-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { EntryStore } from "../../ports/account-stores.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { changeEntries } from "../entries.ts";
import { pageOf } from "../entry-pages.ts";

export { ECR };

export interface EcrParts {
  readonly scope: AccountScope;
  readonly store: EntryStore;
  readonly clock: Clock;
}

type Tags = RepositoryRecord["tags"];

const PAGE_LENGTH = 100;
const TAGS_MAX = 50;
/** A tenth of AWS's quota. */
const REPOSITORIES_MAX = 10_000;
const BUSY = "ServerException";
const NO_IMAGES =
  "Thaw has no registry of its own: push the image to one that you run, and name that with 'thaw serve --image-registry'.";

export function insteadOfEcr(operation: string): string {
  return /Image|Layer|AuthorizationToken|Registry|PullThrough/.test(operation)
    ? NO_IMAGES
    : "Thaw keeps repositories and their settings, and no images.";
}

export function ecrOperations(parts: EcrParts): ServiceOperations<OperationTypes> {
  return {
    ...repositoryOperations(parts),
    ...settingOperations(parts),
    ...tagOperations(parts),
    ...imageOperations(parts),
  };
}

function repositoryOperations(parts: EcrParts): ServiceOperations<OperationTypes> {
  const { store, clock } = parts;
  return {
    CreateRepository: (input, { caller }) =>
      changeEntries(store, BUSY, async () => {
        const { repositoryName: id, tags = [], imageTagMutability, imageScanningConfiguration: scanning } = input;
        if ((input.encryptionConfiguration?.encryptionType ?? "AES256") !== "AES256")
          throw invalid("Thaw keeps no images to encrypt: leave encryptionConfiguration out.");
        const all = await store.listAccountEntries("ecrRepository");
        if (all.some((each) => each.id === id))
          throw new ServiceError(
            "RepositoryAlreadyExistsException",
            `The repository with name '${id}' already exists in the registry with id '${parts.scope.accountId}'`,
          );
        if (all.length >= REPOSITORIES_MAX)
          throw new ServiceError("LimitExceededException", `A registry has at most ${REPOSITORIES_MAX} repositories.`);
        const record: RepositoryRecord = {
          id,
          createdAtMs: clock.nowMs(),
          tags: withTags({}, tags, caller),
          tagMutability: mutabilityOf(imageTagMutability),
          isScannedOnPush: scanning?.scanOnPush ?? false,
          lifecyclePolicy: null,
          policy: null,
        };
        const result = { repository: present(parts, record) };
        return { writes: [{ op: "put", kind: "ecrRepository", record, over: null }], result };
      }),
    async DescribeRepositories({ repositoryNames: names, nextToken, maxResults }) {
      if (names !== undefined) {
        const found = await Promise.all(names.map((name) => find(parts, name)));
        return { repositories: found.map((each) => present(parts, each)) };
      }
      const all = await store.listAccountEntries("ecrRepository");
      const page = pageOf(all, ({ id }) => id, { length: maxResults ?? PAGE_LENGTH, token: nextToken });
      if (page === null) throw invalid("Invalid parameter at 'nextToken'");
      const next = page.next === null ? {} : { nextToken: page.next };
      return { repositories: page.items.map((each) => present(parts, each)), ...next };
    },
    DeleteRepository: ({ repositoryName }) =>
      changeEntries(store, BUSY, async () => {
        const record = await find(parts, repositoryName);
        const result = { repository: present(parts, record) };
        return { writes: [{ op: "remove", kind: "ecrRepository", record }], result };
      }),
  };
}

function settingOperations(parts: EcrParts): ServiceOperations<OperationTypes> {
  const named = (repositoryName: string) => ({ registryId: parts.scope.accountId, repositoryName });
  return {
    async PutLifecyclePolicy({ repositoryName, lifecyclePolicyText: text }) {
      checkJson(text);
      await change(parts, repositoryName, () => ({ lifecyclePolicy: text }));
      return { ...named(repositoryName), lifecyclePolicyText: text };
    },
    async GetLifecyclePolicy({ repositoryName }) {
      return { ...named(repositoryName), lifecyclePolicyText: lifecycleOf(await find(parts, repositoryName)) };
    },
    async DeleteLifecyclePolicy({ repositoryName }) {
      const before = await change(parts, repositoryName, () => ({ lifecyclePolicy: null }));
      return { ...named(repositoryName), lifecyclePolicyText: lifecycleOf(before) };
    },
    async SetRepositoryPolicy({ repositoryName, policyText: text }) {
      checkJson(text);
      await change(parts, repositoryName, () => ({ policy: text }));
      return { ...named(repositoryName), policyText: text };
    },
    async GetRepositoryPolicy({ repositoryName }) {
      return { ...named(repositoryName), policyText: policyOf(parts, await find(parts, repositoryName)) };
    },
    async DeleteRepositoryPolicy({ repositoryName }) {
      const before = await change(parts, repositoryName, () => ({ policy: null }));
      return { ...named(repositoryName), policyText: policyOf(parts, before) };
    },
    async PutImageScanningConfiguration({ repositoryName, imageScanningConfiguration }) {
      await change(parts, repositoryName, () => ({ isScannedOnPush: imageScanningConfiguration.scanOnPush ?? false }));
      return { ...named(repositoryName), imageScanningConfiguration };
    },
    async PutImageTagMutability({ repositoryName, imageTagMutability }) {
      const tagMutability = mutabilityOf(imageTagMutability);
      await change(parts, repositoryName, () => ({ tagMutability }));
      return { ...named(repositoryName), imageTagMutability: tagMutability };
    },
  };
}

function tagOperations(parts: EcrParts): ServiceOperations<OperationTypes> {
  return {
    async TagResource({ resourceArn, tags }, { caller }) {
      await change(parts, nameOf(parts, resourceArn), (before) => ({ tags: withTags(before.tags, tags, caller) }));
      return {};
    },
    async UntagResource({ resourceArn, tagKeys }) {
      const without = (tags: Tags): Tags =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !tagKeys.includes(key)));
      await change(parts, nameOf(parts, resourceArn), ({ tags }) => ({ tags: without(tags) }));
      return {};
    },
    async ListTagsForResource({ resourceArn }) {
      const { tags } = await find(parts, nameOf(parts, resourceArn));
      return { tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

/** There is no image in any repository. */
function imageOperations(parts: EcrParts): ServiceOperations<OperationTypes> {
  return {
    async DescribeImages({ repositoryName, imageIds = [] }) {
      const { id } = await find(parts, repositoryName);
      if (imageIds.length > 0)
        throw new ServiceError("ImageNotFoundException", `The repository '${id}' has no images. ${NO_IMAGES}`);
      return { imageDetails: [] };
    },
    async ListImages({ repositoryName }) {
      await find(parts, repositoryName);
      return { imageIds: [] };
    },
  };
}

async function find({ store, scope }: EcrParts, name: string): Promise<Stored<RepositoryRecord>> {
  const found = await store.getAccountEntry("ecrRepository", name);
  if (found !== null) return found;
  throw new ServiceError(
    "RepositoryNotFoundException",
    `The repository with name '${name}' does not exist in the registry with id '${scope.accountId}'`,
  );
}

/** Gives the repository as it was. */
function change(
  parts: EcrParts,
  name: string,
  edit: (before: RepositoryRecord) => Partial<RepositoryRecord>,
): Promise<RepositoryRecord> {
  return changeEntries(parts.store, BUSY, async () => {
    const over = await find(parts, name);
    return { writes: [{ op: "put", kind: "ecrRepository", record: { ...over, ...edit(over) }, over }], result: over };
  });
}

function present({ scope: { accountId, region } }: EcrParts, record: RepositoryRecord): Repository {
  return {
    repositoryArn: `arn:aws:ecr:${region}:${accountId}:repository/${record.id}`,
    registryId: accountId,
    repositoryName: record.id,
    repositoryUri: `${accountId}.dkr.ecr.${region}.amazonaws.com/${record.id}`,
    createdAt: new Date(record.createdAtMs),
    imageTagMutability: record.tagMutability,
    imageScanningConfiguration: { scanOnPush: record.isScannedOnPush },
    encryptionConfiguration: { encryptionType: "AES256" },
  };
}

function nameOf({ scope: { accountId, region } }: EcrParts, arn: string): string {
  const prefix = `arn:aws:ecr:${region}:${accountId}:repository/`;
  if (!arn.startsWith(prefix)) throw invalid(`Invalid parameter at 'resourceArn': ${arn.slice(0, 200)}`);
  return arn.slice(prefix.length);
}

function mutabilityOf(given: string = "MUTABLE"): RepositoryRecord["tagMutability"] {
  if (given !== "MUTABLE" && given !== "IMMUTABLE") throw invalid("imageTagMutability must be MUTABLE or IMMUTABLE.");
  return given;
}

function lifecycleOf({ lifecyclePolicy }: RepositoryRecord): string {
  if (lifecyclePolicy === null)
    throw new ServiceError("LifecyclePolicyNotFoundException", "Lifecycle policy does not exist for the repository.");
  return lifecyclePolicy;
}

function policyOf({ scope }: EcrParts, { id, policy }: RepositoryRecord): string {
  if (policy !== null) return policy;
  throw new ServiceError(
    "RepositoryPolicyNotFoundException",
    `Repository policy does not exist for the repository with name '${id}' in the registry with id '${scope.accountId}'`,
  );
}

/** Only the server itself gives AWS's own, which say what a stack made. */
function withTags(
  before: Tags,
  added: ReadonlyArray<{ readonly Key: string; readonly Value: string }>,
  caller: Caller,
): Tags {
  if (!isServer(caller) && added.some(({ Key }) => Key.toLowerCase().startsWith("aws:")))
    throw new ServiceError("InvalidTagParameterException", "Tag keys that begin with aws: are AWS's own.");
  const tags = { ...before, ...Object.fromEntries(added.map(({ Key, Value }) => [Key, Value])) };
  if (Object.keys(tags).length > TAGS_MAX)
    throw new ServiceError("TooManyTagsException", `A repository can have ${TAGS_MAX} tags at most.`);
  return tags;
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw invalid("Invalid parameter: the policy is no JSON.");
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError("InvalidParameterException", message);
}

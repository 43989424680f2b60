/** Operations that show stacks and what belongs to them. */
import { once } from "node:events";
import type { OperationTypes, StackStatus } from "@thaw/aws-api/cloudformation";
import type { StackResource } from "@thaw/stacks/stack-resource";
import { ServiceError } from "../../model/service-error.ts";
import type { StackRecord } from "../../model/stack-record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { findChangeSet } from "./change-set-rows.ts";
import { type CloudFormationParts, find, findLiving, invalid, sourceOf } from "./context.ts";
import { policyOf } from "./new-stack.ts";
import { invalidToken, pageOf } from "./pages.ts";
import { presentEvent, presentResource, presentStack, presentSummary } from "./present.ts";

type Shown = Pick<
  OperationTypes,
  | "DescribeStacks"
  | "ListStacks"
  | "DescribeStackEvents"
  | "DescribeStackResource"
  | "DescribeStackResources"
  | "ListStackResources"
  | "GetTemplate"
  | "ListExports"
  | "ListImports"
  | "UpdateTerminationProtection"
  | "SetStackPolicy"
  | "GetStackPolicy"
  | "DescribeType"
>;

const STACKS_PAGE = 50;
const PAGE = 100;
/** botocore gives up a request after 60 s. */
const HELD_MS_MAX = 45_000;
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export function descriptions(parts: CloudFormationParts): ServiceOperations<Shown> {
  return { ...stackDescriptions(parts), ...resourceDescriptions(parts), ...exportLists(parts), ...settings(parts) };
}

/**
 * A waiter that sees a run looks again after 30 s, however soon that ends: its question is answered when the run has
 * ended, or before its client gives up. Others are answered at once.
 */
async function untilEnd(parts: CloudFormationParts, name: string, gone: AbortSignal): Promise<void> {
  const untilMs = parts.clock.monotonicMs() + HELD_MS_MAX;
  let before = "";
  for (;;) {
    const { id, status } = await find(parts, name);
    const isRunning = status.endsWith("IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS";
    // The same status again: the time is up, or the server stops.
    if (!isRunning || status === before || gone.aborted) return;
    before = status;
    const leftMs = untilMs - parts.clock.monotonicMs();
    await Promise.race([parts.stacks.untilStatusChanges({ id, status }, leftMs), once(gone, "abort")]);
  }
}

function stackDescriptions(parts: CloudFormationParts): ServiceOperations<Shown> {
  const { store } = parts;
  return {
    async DescribeStacks({ StackName, NextToken }, { waiter }) {
      if (waiter !== undefined && StackName !== undefined) await untilEnd(parts, StackName, waiter);
      const { stacks, next } =
        StackName === undefined
          ? await stackPage(parts, NextToken, false)
          : { stacks: [await find(parts, StackName)], next: null };
      const shown = stacks.map(async (each) => presentStack(each, await sourceOf(parts, each.id)));
      return { Stacks: await Promise.all(shown), ...(next === null ? {} : { NextToken: next }) };
    },
    async ListStacks({ NextToken, StackStatusFilter: filter = [] }) {
      const { stacks, next } = await stackPage(parts, NextToken, true);
      const wanted = stacks.filter(({ status }) => filter.length === 0 || filter.includes(status as StackStatus));
      const summaries = wanted.map(async (each) => {
        const description = (await sourceOf(parts, each.id))?.description ?? null;
        return {
          ...presentSummary(each),
          ...(description === null ? {} : { TemplateDescription: description }),
          DriftInformation: { StackDriftStatus: "NOT_CHECKED" as const },
        };
      });
      return { StackSummaries: await Promise.all(summaries), ...(next === null ? {} : { NextToken: next }) };
    },
    async DescribeStackEvents({ StackName, NextToken }) {
      const stack = await find(parts, StackName, "brackets");
      const before = NextToken === undefined ? NEVER_MS : Number(NextToken);
      if (!Number.isSafeInteger(before)) throw invalidToken();
      const events = await store.stacks.listEvents(stack.id, before, PAGE);
      const last = events.length === PAGE ? (events.at(-1)?.atMs ?? null) : null;
      return {
        StackEvents: events.map((each) => presentEvent(stack, each)),
        ...(last === null ? {} : { NextToken: String(last) }),
      };
    },
    async GetTemplate({ StackName, ChangeSetName, TemplateStage }) {
      if (StackName === undefined && ChangeSetName === undefined) throw invalid("StackName must be specified");
      const source =
        ChangeSetName === undefined
          ? await sourceOf(parts, (await find(parts, StackName ?? "")).id)
          : ((await findChangeSet(parts, ChangeSetName, StackName)).changeSet.planned?.source ?? null);
      const text = TemplateStage === "Processed" ? source?.processed : source?.original;
      return { ...(text === undefined ? {} : { TemplateBody: text }), StagesAvailable: ["Original", "Processed"] };
    },
  };
}

function resourceDescriptions(parts: CloudFormationParts): ServiceOperations<Shown> {
  return {
    async DescribeStackResource({ StackName, LogicalResourceId: id }) {
      const stack = await find(parts, StackName, "quotes");
      const found = (await resourcesOf(parts, stack)).find(({ logicalId }) => logicalId === id);
      if (found === undefined) throw invalid(`Resource ${id} does not exist for stack ${stack.name}`);
      const { metadata } = found;
      return {
        StackResourceDetail: {
          StackId: stack.id,
          StackName: stack.name,
          ...presentResource(found),
          ...(metadata === null ? {} : { Metadata: JSON.stringify(metadata) }),
        },
      };
    },
    async DescribeStackResources({ StackName, PhysicalResourceId, LogicalResourceId }) {
      const stack = await stackWith(parts, StackName, PhysicalResourceId);
      const all = await resourcesOf(parts, stack);
      const wanted = all.filter(({ logicalId }) => LogicalResourceId === undefined || logicalId === LogicalResourceId);
      return {
        StackResources: wanted.map((each) => {
          const { LastUpdatedTimestamp: Timestamp, ...rest } = presentResource(each);
          return { StackId: stack.id, StackName: stack.name, ...rest, Timestamp };
        }),
      };
    },
    async ListStackResources({ StackName, NextToken }) {
      const stack = await find(parts, StackName);
      const { items, next } = pageOf(await resourcesOf(parts, stack), ({ logicalId }) => logicalId, NextToken, PAGE);
      return {
        StackResourceSummaries: items.map(presentResource),
        ...(next === null ? {} : { NextToken: next }),
      };
    },
  };
}

function exportLists({ store }: CloudFormationParts): ServiceOperations<Shown> {
  return {
    async ListExports({ NextToken }) {
      const all = await store.stacks.listExports(NextToken ?? "", PAGE);
      const last = all.length === PAGE ? all.at(-1)?.name : undefined;
      return {
        Exports: all.map(({ name, value, stackId }) => ({ Name: name, Value: value, ExportingStackId: stackId })),
        ...(last === undefined ? {} : { NextToken: last }),
      };
    },
    async ListImports({ ExportName, NextToken }) {
      const importers = await store.stacks.listImporters(ExportName);
      if (importers.length === 0) throw invalid(`Export '${ExportName}' is not imported by any stack.`);
      const { items, next } = pageOf(importers, (name) => name, NextToken, PAGE);
      return { Imports: items, ...(next === null ? {} : { NextToken: next }) };
    },
  };
}

function settings(parts: CloudFormationParts): ServiceOperations<Shown> {
  return {
    async UpdateTerminationProtection({ StackName, EnableTerminationProtection }) {
      const { id, parentId } = await findLiving(parts, StackName);
      if (parentId !== null)
        throw invalid("TerminationProtection cannot be set on a nested stack: set it on its root stack");
      return parts.stacks.change(id, (stack) => ({
        record: { ...stack, isTerminationProtected: EnableTerminationProtection },
        result: { StackId: id },
      }));
    },
    async SetStackPolicy({ StackName, ...given }) {
      const { id } = await findLiving(parts, StackName);
      const policy = await policyOf(parts, given, [await sourceOf(parts, id)]);
      if (policy === null) throw invalid("Either StackPolicyBody or StackPolicyURL must be specified");
      return parts.stacks.change(id, (stack) => ({ record: { ...stack, policy }, result: {} }));
    },
    async GetStackPolicy({ StackName }) {
      const { policy: own, updatePolicies } = await findLiving(parts, StackName);
      const policy = updatePolicies?.during ?? own;
      return policy === null ? {} : { StackPolicyBody: policy };
    },
    DescribeType: ({ TypeName, Arn }) =>
      describeType(parts, TypeName ?? Arn?.split("/").at(-1)?.replaceAll("-", "::") ?? ""),
  };
}

async function stackPage({ store }: CloudFormationParts, token: string | undefined, withDeleted: boolean) {
  const stacks = await store.stacks.listStacks({ after: afterOf(token), countMax: STACKS_PAGE, withDeleted });
  const last = stacks.length === STACKS_PAGE ? stacks.at(-1) : undefined;
  return { stacks, next: last === undefined ? null : `${last.createdAtMs} ${last.id}` };
}

function afterOf(token: string | undefined) {
  if (token === undefined) return null;
  const [time = "", id] = token.split(" ");
  if (id === undefined || !/^\d{1,16}$/.test(time)) throw invalidToken();
  return { createdAtMs: Number(time), id };
}

/** In the order of the template's keys; things that others took the place of are not shown. */
async function resourcesOf({ store }: CloudFormationParts, { id }: StackRecord): Promise<readonly StackResource[]> {
  const all = await store.stacks.listParts(id, "resource");
  const shown = all.filter(({ isObsolete }) => !isObsolete);
  return shown.toSorted((a, b) => (a.logicalId < b.logicalId ? -1 : a.logicalId > b.logicalId ? 1 : 0));
}

async function stackWith(
  parts: CloudFormationParts,
  name: string | undefined,
  physicalId: string | undefined,
): Promise<StackRecord> {
  if (name !== undefined) return find(parts, name, "quotes");
  if (physicalId === undefined) throw invalid("Either StackName or PhysicalResourceId must be specified");
  const listing = { after: null, countMax: 2000, withDeleted: false };
  for (const stack of await parts.store.stacks.listStacks(listing))
    if ((await resourcesOf(parts, stack)).some((each) => each.physicalId === physicalId)) return stack;
  throw invalid(`Stack for ${physicalId} does not exist`);
}

function describeType({ stacks, scope }: CloudFormationParts, name: string): Shown["DescribeType"]["output"] {
  const type = stacks.types.find(name);
  if (type === null) {
    const refusal = stacks.types.refusal(name);
    const why = refusal === null ? "cannot be found" : `is not there: ${refusal}`;
    throw new ServiceError("TypeNotFoundException", `The type '${name}' ${why}.`);
  }
  return {
    Arn: `arn:aws:cloudformation:${scope.region}::type/resource/${name.replaceAll("::", "-")}`,
    Type: "RESOURCE",
    TypeName: name,
    IsDefaultVersion: true,
    Description: type.kind === "recorded" ? "Recorded by Thaw: it is kept and shown, and does nothing" : "Made by Thaw",
    ProvisioningType: "FULLY_MUTABLE",
    DeprecatedStatus: "LIVE",
    Visibility: "PUBLIC",
    Schema: JSON.stringify({
      typeName: name,
      properties: Object.fromEntries(Object.keys(type.properties).map((each) => [each, {}])),
      required: type.required,
      createOnlyProperties: Object.entries(type.properties).flatMap(([each, change]) =>
        change === "replace" ? [`/properties/${each}`] : [],
      ),
      additionalProperties: false,
    }),
  };
}

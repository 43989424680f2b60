/**
 * How asynchronous invokes of a function, a version or an alias are tried again, and where their results go; and
 * whether loops of a function are ended. Texts: environment-behaviour.md 7, recorded
 * …TestLambdaEventInvokeConfig.test_lambda_eventinvokeconfig_lifecycle.
 */
import type { DestinationConfig, FunctionEventInvokeConfig } from "@thaw/aws-api";
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { type AccountScope, functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type EventInvokeRecord, LATEST } from "../../model/function-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import { checkDestinations } from "../records/destination-check.ts";
import { findFunction } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import type { In, OperationsOf } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "destinations">;
type Input = In<"PutFunctionEventInvokeConfig"> | In<"UpdateFunctionEventInvokeConfig">;

interface Place {
  readonly name: string;
  readonly qualifier: string;
}

const NO_FUNCTION = "The function doesn't exist.";

export function eventConfigOperations(
  services: Needs,
): OperationsOf<
  | "PutFunctionEventInvokeConfig"
  | "UpdateFunctionEventInvokeConfig"
  | "GetFunctionEventInvokeConfig"
  | "DeleteFunctionEventInvokeConfig"
  | "ListFunctionEventInvokeConfigs"
> {
  const { scope, store, changes } = services;
  return {
    PutFunctionEventInvokeConfig: (input) => change(services, input, false),
    UpdateFunctionEventInvokeConfig: (input) => change(services, input, true),
    GetFunctionEventInvokeConfig: async (input) => present(scope, await find(services, placeOf(scope, input))),
    DeleteFunctionEventInvokeConfig: async (input) => {
      const place = placeOf(scope, input);
      await changes.decide(place.name, async () => {
        const record = await find(services, place);
        return { writes: [{ op: "remove", kind: "eventInvoke", record }], result: undefined };
      });
      return {};
    },
    ListFunctionEventInvokeConfigs: async (input) => {
      const { name } = parseFunctionName(scope, input.FunctionName);
      if ((await store.getFunction(name)) === null) throw notFound(NO_FUNCTION);
      const all = await store.listSettings("eventInvoke", name);
      const page = pageOf({ list: `event configs ${name}`, all, placeOf: ({ qualifier }) => [qualifier] }, input);
      return {
        FunctionEventInvokeConfigs: page.items.map((record) => present(scope, record)),
        ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
      };
    },
  };
}

export function recursionOperations(
  services: Needs,
): OperationsOf<"GetFunctionRecursionConfig" | "PutFunctionRecursionConfig"> {
  const { scope, store, changes } = services;
  const nameOf = (input: { readonly FunctionName: string }): string =>
    parseFunctionName(scope, input.FunctionName).name;
  return {
    GetFunctionRecursionConfig: async (input) => {
      const name = nameOf(input);
      await findFunction(services, name);
      return { RecursiveLoop: await recursionOf(services, name) };
    },
    PutFunctionRecursionConfig: async (input) => {
      const name = nameOf(input);
      const record = { functionName: name, qualifier: LATEST, recursiveLoop: input.RecursiveLoop };
      await changes.decide(name, async () => {
        await findFunction(services, name);
        const over = await store.getSetting("recursion", name, LATEST);
        return { writes: [{ op: "put", kind: "recursion", record, over }], result: undefined };
      });
      return { RecursiveLoop: input.RecursiveLoop };
    },
  };
}

/** What happens to a function that comes back to itself in one chain of requests. */
export async function recursionOf({ store }: Pick<Needs, "store">, name: string): Promise<"Allow" | "Terminate"> {
  return (await store.getSetting("recursion", name, LATEST))?.recursiveLoop ?? "Terminate";
}

async function change(services: Needs, input: Input, isMerged: boolean): Promise<FunctionEventInvokeConfig> {
  const { scope, store, changes, clock } = services;
  const { MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: age, DestinationConfig: destinations } = input;
  if (retries === undefined && age === undefined && destinations === undefined)
    throw invalidParameter("You must specify at least one of error handling or destination setting.");
  const place = placeOf(scope, input);
  const { name: functionName, qualifier } = place;
  await checkThere(services, place);
  await checkDestinations(services, functionName, wishOf(destinations, null));
  const record = await changes.decide(functionName, async () => {
    await checkThere(services, place);
    const over = isMerged
      ? await find(services, place)
      : await store.getSetting("eventInvoke", functionName, qualifier);
    const before = isMerged ? over : null;
    const made: EventInvokeRecord = {
      functionName,
      qualifier,
      maximumRetryAttempts: retries ?? before?.maximumRetryAttempts ?? null,
      maximumEventAgeS: age ?? before?.maximumEventAgeS ?? null,
      ...wishOf(destinations, before),
      lastModifiedMs: clock.nowMs(),
    };
    return { writes: [{ op: "put", kind: "eventInvoke", record: made, over }], result: made };
  });
  return present(scope, record);
}

/** The destinations that a request names; one that it does not speak of stays as it was. */
function wishOf(
  given: DestinationConfig | undefined,
  before: EventInvokeRecord | null,
): Pick<EventInvokeRecord, "onSuccess" | "onFailure"> {
  const choose = (member: { readonly Destination?: string } | undefined, kept: string | null): string | null =>
    member === undefined ? kept : member.Destination || null;
  return {
    onSuccess: choose(given?.OnSuccess, before?.onSuccess ?? null),
    onFailure: choose(given?.OnFailure, before?.onFailure ?? null),
  };
}

function placeOf(scope: AccountScope, input: { readonly FunctionName: string; readonly Qualifier?: string }): Place {
  const { name, qualifier } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
  return { name, qualifier: qualifier ?? LATEST };
}

async function checkThere({ store }: Needs, { name, qualifier }: Place): Promise<void> {
  const found = (await store.getVersion(name, qualifier)) ?? (await store.getAlias(name, qualifier));
  if (found === null) throw notFound(NO_FUNCTION);
}

async function find({ scope, store }: Needs, { name, qualifier }: Place): Promise<Stored<EventInvokeRecord>> {
  const found = await store.getSetting("eventInvoke", name, qualifier);
  if (found === null)
    throw notFound(`The function ${functionArn(scope, name, qualifier)} doesn't have an EventInvokeConfig`);
  return found;
}

function present(scope: AccountScope, record: EventInvokeRecord): FunctionEventInvokeConfig {
  const { functionName, qualifier, maximumRetryAttempts, maximumEventAgeS, onSuccess, onFailure } = record;
  return {
    LastModified: new Date(record.lastModifiedMs),
    FunctionArn: functionArn(scope, functionName, qualifier),
    ...(maximumRetryAttempts === null ? {} : { MaximumRetryAttempts: maximumRetryAttempts }),
    ...(maximumEventAgeS === null ? {} : { MaximumEventAgeInSeconds: maximumEventAgeS }),
    DestinationConfig: {
      OnSuccess: onSuccess === null ? {} : { Destination: onSuccess },
      OnFailure: onFailure === null ? {} : { Destination: onFailure },
    },
  };
}

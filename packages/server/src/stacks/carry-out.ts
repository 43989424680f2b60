/** One command: its handler, called with all values filled in, and what is shown where it fails. */
import { isDeepStrictEqual } from "node:util";
import { stackTags } from "@thaw/stacks/nested-stack";
import type { Command, MadeNews } from "@thaw/stacks/run";
import type { TemplateMap } from "@thaw/template/value";
import type { Clock } from "../base/clock.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { StackRecord } from "../model/stack-record.ts";
import type { MetadataStore } from "../ports/metadata-store.ts";
import { CallError } from "../ports/service-calls.ts";
import { fillEarlier, type FillParts, fillValues } from "./fill-values.ts";
import type { Handlers } from "./handlers/create-handlers.ts";
import { type Existing, type HandlerContext, HandlerError } from "./handlers/handler.ts";
import { makeName, requestTokenOf } from "./made-name.ts";

export interface CarryOutParts {
  readonly scope: AccountScope;
  readonly store: Pick<MetadataStore, "nextCommit">;
  readonly clock: Pick<Clock, "after">;
  readonly stack: Pick<StackRecord, "id" | "name">;
  readonly handlers: Handlers;
  readonly fill: FillParts;
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
}

/** Null: it was removed. Throws what the handler throws. */
export async function carryOut(command: Command, parts: CarryOutParts): Promise<MadeNews | null> {
  const handler = parts.handlers.handlerOf(command.type);
  if (handler === null) {
    const why = parts.handlers.refusal(command.type);
    throw new HandlerError(`Thaw does not have ${command.type} any more${why === null ? "" : `: ${why}`}`);
  }
  const context = contextOf(command, parts);
  if (command.action === "create")
    return news(await handler.create(await fillValues(command.properties, parts.fill), context));
  const existing = await existingOf(command, parts.fill);
  if (command.action === "update") {
    const properties = await fillValues(command.properties, parts.fill);
    // A custom resource is asked for all of it in any case, and is told what it was asked for before.
    const isCompared = !Object.hasOwn(handler.type.properties, "*");
    const from = command.isUncertain && isCompared ? uncertain(existing, properties) : existing;
    return news(await handler.update(from, properties, context));
  }
  await handler.remove(existing, context);
  return null;
}

/** Null: an error that the handler did not mean, whose text is for the operator. */
export function reasonOf(error: unknown, stackId: string, { token }: Command): string | null {
  const request = requestTokenOf({ stackId, token });
  // As AWS's handlers of the registry say it; tools show it, and osls looks for parts of the message in it.
  if (error instanceof CallError)
    return `Resource handler returned message: "${error.message} (Service: ${error.service}, Code: ${error.code})" (RequestToken: ${request}, HandlerErrorCode: ${handlerCode(error.code)})`;
  return error instanceof HandlerError ? error.message : null;
}

/** https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html */
function handlerCode(code: string): string {
  if (/NotFound|NoSuch/.test(code)) return "NotFound";
  if (/AlreadyExists|ResourceConflict|AlreadyOwned/.test(code)) return "AlreadyExists";
  if (/Validation|InvalidParameter|InvalidRequest|BadRequest|Malformed/.test(code)) return "InvalidRequest";
  if (/AccessDenied/.test(code)) return "AccessDenied";
  if (/TooManyRequests|Throttl/.test(code)) return "Throttling";
  return /LimitExceeded|StorageExceeded/.test(code) ? "ServiceLimitExceeded" : "GeneralServiceException";
}

function contextOf(
  command: Command,
  { scope, store, clock, stack, fill, isRetry, signal }: CarryOutParts,
): HandlerContext {
  const { token, logicalId, tags } = command;
  const parts = { stackId: stack.id, stackName: stack.name, logicalId, token };
  return {
    ...parts,
    scope,
    isRetry,
    tags: stackTags(stack, logicalId, tags),
    signal,
    services: fill.services,
    makeName: (max, options = {}) => makeName(parts, max, options.isLower ?? false),
    until: async (ask, everyMs) => {
      for (;;) {
        signal.throwIfAborted();
        const heard = store.nextCommit();
        const answer = await ask();
        if (answer !== null) return answer;
        await firstOf(heard, signal, clock, everyMs);
      }
    },
  };
}

async function firstOf(
  heard: Promise<void>,
  signal: AbortSignal,
  clock: Pick<Clock, "after">,
  afterMs: number | undefined,
): Promise<void> {
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  signal.addEventListener("abort", stop);
  const cancel = afterMs === undefined ? () => undefined : clock.after(afterMs, stop);
  try {
    await Promise.race([heard, stopped]);
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}

async function existingOf(command: Exclude<Command, { action: "create" }>, fill: FillParts): Promise<Existing> {
  const { physicalId, attributes, properties } = command.existing;
  return { physicalId, attributes, properties: await fillEarlier(properties, fill) };
}

/** Values that are the same are null, so that they differ; of others what was asked for last may have been made. */
function uncertain(existing: Existing, properties: TemplateMap): Existing {
  const entries = Object.entries({ ...properties, ...existing.properties });
  const shown = entries.map(([name, value]) => [name, isDeepStrictEqual(value, properties[name]) ? null : value]);
  return { ...existing, properties: Object.fromEntries(shown) as TemplateMap };
}

function news({
  physicalId,
  ref,
  attributes,
}: {
  readonly physicalId: string;
  readonly ref?: string;
  readonly attributes?: MadeNews["attributes"];
}): MadeNews {
  return { physicalId, ref: ref ?? null, attributes: attributes ?? {} };
}

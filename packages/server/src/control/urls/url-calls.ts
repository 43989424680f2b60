/** Function URLs as the front sees them: which there are, who may call them, and how they are called. */
import { ApiError } from "../../model/api-error.ts";
import { LATEST, type UrlRecord } from "../../model/function-record.ts";
import type { InvokeOutcome } from "../../ports/worker.ts";
import type { InvokeOperation } from "../invoke/invoke.ts";
import { allows, organizationKeys, type Principal } from "../policies/statements.ts";
import type { ControlParts } from "../services.ts";

/** A request to a function, as an event. */
export interface UrlCall {
  readonly requestId: string;
  readonly payload: Buffer;
  readonly traceId: string;
}

export interface UrlCalls {
  readonly accountId: string;
  readonly region: string;
  /** Null where there is no URL of this id. */
  find(urlId: string): Promise<UrlRecord | null>;
  /** Whether the resource policy lets somebody of another account call it; null: everybody. */
  allows(url: UrlRecord, principal: Principal | null): Promise<boolean>;
  /** Null where the alias of the URL is no longer there. Throws an ApiError where it can't be invoked now. */
  call(url: UrlRecord, call: UrlCall): Promise<InvokeOutcome | null>;
}

export function createUrlCalls(
  { scope, store, organizationId = null }: Pick<ControlParts, "scope" | "store" | "organizationId">,
  invoke: InvokeOperation,
): UrlCalls {
  return {
    ...scope,
    async find(urlId) {
      const entry = await store.getAccountEntry("urlId", urlId);
      if (entry === null) return null;
      const url = await store.getSetting("url", entry.functionName, entry.qualifier);
      return url?.urlId === urlId ? url : null;
    },
    async allows({ functionName, qualifier, authType }, principal) {
      const policy = await store.getSetting("policy", functionName, qualifier);
      const keys = {
        "lambda:functionurlauthtype": authType,
        "lambda:invokedviafunctionurl": "true",
        // Nobody in particular is in no organization.
        ...(principal === null ? {} : organizationKeys({ organizationId })),
      };
      return allows(policy?.statements ?? [], { action: "lambda:InvokeFunctionUrl", principal, keys });
    },
    async call({ functionName, qualifier, invokeMode }, { requestId, payload, traceId }) {
      try {
        return await invoke.runEvent({
          functionName,
          qualifier: qualifier === LATEST ? null : qualifier,
          requestId,
          payload,
          traceId,
          isStreamed: invokeMode === "RESPONSE_STREAM",
        });
      } catch (error) {
        if (error instanceof ApiError && error.name === "ResourceNotFoundException") return null;
        throw error;
      }
    },
  };
}

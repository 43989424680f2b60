/**
 * A handler makes, changes and removes the resources of one type by operations of AWS's services. Whatever it does may
 * be done twice: after a crash of the server a handler is called again with the same token, and must then find what it
 * made, not make another.
 */
import type { ResourceType } from "@thaw/stacks/resource-type";
import type { TemplateMap } from "@thaw/template/value";
import type { AccountScope } from "../../model/function-name.ts";
import type { PassedService } from "../../ports/passed-services.ts";
import type { ServiceCalls } from "../../ports/service-calls.ts";

/** What there is of a resource after it was made or changed. */
export interface Made {
  readonly physicalId: string;
  /** What `Ref` gives; absent: the physical id. */
  readonly ref?: string;
  /** What `Fn::GetAtt` gives. */
  readonly attributes?: TemplateMap;
}

/** A thing as it is. */
export interface Existing {
  readonly physicalId: string;
  readonly attributes: TemplateMap;
  /**
   * As last applied, with all values. Of an update after one that has failed, what the thing has is not known: these
   * are what was asked for last, and a property is null where that is what it is to be, so that it differs.
   */
  readonly properties: TemplateMap;
}

export interface HandlerContext {
  readonly scope: AccountScope;
  readonly stackId: string;
  readonly stackName: string;
  readonly logicalId: string;
  /** Differs for each action of each run, and is the same when an action is tried again after a crash. */
  readonly token: string;
  /** True: this action may have been begun by a server that crashed. */
  readonly isRetry: boolean;
  /** Tags of the stack, and AWS's own three (`aws:cloudformation:stack-id`, `…:stack-name`, `…:logical-id`). */
  readonly tags: Readonly<Record<string, string>>;
  /**
   * Aborted where the run is cancelled or the server stops: what waits ends then. A creation that ends so says in its
   * HandlerError what it has left, as after any other failure.
   */
  readonly signal: AbortSignal;
  readonly services: ServiceCalls;
  /**
   * Makes up a name as CloudFormation does: stack, logical id and a suffix that the token determines, cut to `max`.
   * `isLower`: in lower case, as for buckets.
   */
  readonly makeName: (max: number, options?: { readonly isLower?: boolean }) => string;
  /**
   * Asks again until there is an answer: at once, and after each commit of the control plane. Rejects when `signal` is
   * aborted. `everyMs`: also after that time, for what changes without a commit.
   */
  readonly until: <T>(ask: () => Promise<T | null>, everyMs?: number) => Promise<T>;
}

export interface Handler {
  /** The service that the type is passed through to: without an endpoint of it there is no such type. */
  readonly service?: PassedService;
  readonly type: ResourceType;
  /** Says by all values whether a change of `maybe` properties replaces the thing. Absent: it does not. */
  isReplaced?(before: TemplateMap, after: TemplateMap): boolean;
  /**
   * Throws a CallError or a HandlerError, whose text becomes the reason that is shown. Where something was made before,
   * a HandlerError with its id: also where `signal` is aborted, for a rollback removes what it is told of.
   */
  create(properties: TemplateMap, context: HandlerContext): Promise<Made>;
  /** Another physical id than before: the thing was replaced by this, and the old one is removed in the clean-up. */
  update(existing: Existing, properties: TemplateMap, context: HandlerContext): Promise<Made>;
  /** A thing that is gone already is removed. */
  remove(existing: Existing, context: HandlerContext): Promise<void>;
}

/** A failure that the handler itself found. */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
  /** What a creation that failed has left, to be removed by a rollback; null: nothing. */
  readonly physicalId: string | null;

  constructor(message: string, physicalId: string | null = null) {
    super(message);
    this.physicalId = physicalId;
  }
}

/**
 * An AWS service other than Lambda, as the listener serves it: its model and protocol, and a table of the operations
 * that Thaw has.
 */
import { type RpcProtocol, type ServiceApi, type ServiceModel, type TypesOf, Validator } from "@thaw/aws-api";
import { onUse } from "../base/on-use.ts";
import type { Caller } from "../model/caller.ts";

/** Operations by name, typed by the service's model. Each throws a ServiceError where a request is refused. */
export type ServiceOperations<T extends TypesOf<T>> = {
  readonly [K in keyof T]?: (input: T[K]["input"], context: ServiceContext) => T[K]["output"] | Promise<T[K]["output"]>;
};

export interface ServiceContext {
  readonly caller: Caller;
  /** Makes an address of something, by the second label of its host name and its id, that works for this client. */
  readonly addressOf: (label: "lambda-url" | "execute-api", id: string) => string;
  /**
   * Set where a client's waiter asks, which looks again after as much as half a minute: its answer may come late.
   * Aborted when the client has gone or the server is about to stop.
   */
  readonly waiter?: AbortSignal;
}

/** A service as the listener and its own callers find it, before anything of it is loaded. */
export interface AwsService {
  /** Its name in the scope of signatures. */
  readonly scope: string;
  /** Whether a path is this service's: two services may have one scope. */
  readonly owns: (path: string) => boolean;
  /** Its name for ServiceCalls, which no other service has. */
  readonly callName: string;
  /** Loads its model and its operations, at the first call. */
  readonly load: () => Promise<LoadedService>;
}

export interface LoadedService {
  /** Its name in sentences. */
  readonly name: string;
  readonly model: ServiceModel;
  readonly protocol: RpcProtocol;
  readonly validator: Validator;
  readonly operations: Readonly<Record<string, ServiceOperation>>;
  /** Gives what to do instead of an operation that Thaw does not have: a sentence. */
  readonly instead: (operation: string) => string;
  /** Name of the error for members that are not as the model says. */
  readonly invalidCode: string;
}

export type ServiceOperation = (input: object, context: ServiceContext) => object | Promise<object>;

/** Makes a service that is loaded by its first request. */
export function serviceOnUse(
  { scope, ...about }: Pick<AwsService, "scope"> & Partial<Pick<AwsService, "owns" | "callName">>,
  load: () => Promise<LoadedService>,
): AwsService {
  return { scope, callName: scope, owns: () => true, ...about, load: onUse(load) };
}

/** Makes a service of its API and its operations; the types of both come from one model. */
export function createService<T extends TypesOf<T>>(
  api: ServiceApi<T>,
  parts: Pick<LoadedService, "name" | "instead" | "invalidCode"> & { readonly operations: ServiceOperations<T> },
): LoadedService {
  return {
    ...parts,
    model: api.model,
    protocol: api.protocol as unknown as RpcProtocol,
    validator: new Validator(api.model),
    operations: parts.operations as LoadedService["operations"],
  };
}

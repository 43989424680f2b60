/**
 * An AWS service other than Lambda, as the listener serves it: its model and protocol, and a table of the operations
 * that Thaw has.
 */
import type { RpcProtocol, ServiceApi, ServiceModel, TypesOf } from "@thaw/aws-api";
import type { Caller } from "../model/caller.ts";

/** Operations by name, typed by the service's model. Each throws a ServiceError where a request is refused. */
export type ServiceOperations<T extends TypesOf<T>> = {
  readonly [K in keyof T]?: (input: T[K]["input"], context: ServiceContext) => T[K]["output"] | Promise<T[K]["output"]>;
};

export interface ServiceContext {
  readonly caller: Caller;
  /** Makes an address of something, by the second label of its host name and its id, that works for this client. */
  readonly addressOf: (label: "lambda-url" | "execute-api", id: string) => string;
}

export interface AwsService {
  /** Its name in sentences. */
  readonly name: string;
  readonly model: ServiceModel;
  readonly protocol: RpcProtocol;
  readonly operations: Readonly<Record<string, ServiceOperation>>;
  /** Gives what to do instead of an operation that Thaw does not have: a sentence. */
  readonly instead: (operation: string) => string;
  /** Name of the error for members that are not as the model says. */
  readonly invalidCode: string;
}

export type ServiceOperation = (input: object, context: ServiceContext) => object | Promise<object>;

/** Makes a service of its API and its operations; the types of both come from one model. */
export function createService<T extends TypesOf<T>>(
  api: ServiceApi<T>,
  parts: Pick<AwsService, "name" | "instead" | "invalidCode"> & { readonly operations: ServiceOperations<T> },
): AwsService {
  return {
    ...parts,
    model: api.model,
    protocol: api.protocol as unknown as RpcProtocol,
    operations: parts.operations as AwsService["operations"],
  };
}

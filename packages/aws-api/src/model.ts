/**
 * The model of a service, on which the protocols and the checks work. Generated from AWS's own (tools/generate-api.ts).
 */
import type { Shape } from "./shape.ts";

export interface OperationModel {
  readonly method: string;
  /** Pattern of the path; with a fixed query behind `?` where the operation has one. */
  readonly uri: string;
  readonly status: number;
  /** Name of the shape; null where there is none. */
  readonly input: string | null;
  readonly output: string | null;
}

export interface ErrorModel {
  readonly status: number;
  readonly messageMember: string;
  readonly fault: "client" | "server";
}

/** Names by which a service's protocol tells its requests; empty where its protocol has none. */
export interface ServiceNames {
  /** Name of the service in the scope of a signature. */
  readonly scope: string;
  /** Part of X-Amz-Target before the dot. */
  readonly targetPrefix: string;
  readonly jsonVersion: string;
  /** Parameter `Version` of the query protocol. */
  readonly apiVersion: string;
  readonly xmlNamespace: string;
}

export interface ServiceModel<O extends string = string> {
  /** Name of the service in the scope of a signature. */
  readonly scope: string;
  readonly operations: Readonly<Record<O, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly errors: Readonly<Record<string, ErrorModel>>;
  /** Shapes whose values AWS's front end lets through; the service behind it has its own text. */
  readonly checkedByTheService: ReadonlySet<string>;
  /** Constraints that recorded refusals of AWS name otherwise than its published model; checked is the model. */
  readonly saidByTheService: Readonly<Record<string, Partial<Shape>>>;
}

/** Makes the model of a service of what is generated, where nothing that AWS does is otherwise than it says. */
export function modelOf<O extends string>({
  service,
  ...parts
}: Pick<ServiceModel<O>, "operations" | "shapes" | "errors"> & { readonly service: ServiceNames }): ServiceModel<O> {
  return { ...parts, scope: service.scope, checkedByTheService: new Set(), saidByTheService: {} };
}

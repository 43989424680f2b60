/** Refusals that both versions of API Gateway have. */
import { ServiceError } from "../../model/service-error.ts";

export function badRequest(message: string): ServiceError {
  return new ServiceError("BadRequestException", message);
}

export function conflict(message: string): ServiceError {
  return new ServiceError("ConflictException", message);
}

export function notFound(message: string): ServiceError {
  return new ServiceError("NotFoundException", message);
}

/** Members of requests that a service carries out, and what is said of the others. */
export interface MemberRules<O extends string> {
  readonly honoured: Readonly<Record<O, readonly string[]>>;
  /** Values that say what is so anyway. AWS's tools send some of them always. */
  readonly asItIs: Readonly<Record<string, readonly unknown[]>>;
  /** What to do instead, by the member's name. */
  readonly instead: Readonly<Record<string, string>>;
}

/** Throws a BadRequestException where a request asks for something that would have no effect. */
export function checkMembers<O extends string>(
  { honoured, asItIs, instead }: MemberRules<O>,
  operation: O,
  input: object,
): void {
  for (const [name, value] of Object.entries(input) as ReadonlyArray<[string, unknown]>) {
    const isSo = Object.hasOwn(asItIs, name) && asItIs[name]?.includes(value) === true;
    if (honoured[operation].includes(name) || isSo || isEmpty(value)) continue;
    const hint = Object.hasOwn(instead, name) ? `: ${instead[name]}` : "";
    throw badRequest(`${name} is not supported by Thaw${hint}. Leave it out of ${operation}.`);
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

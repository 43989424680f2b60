/**
 * Patch operations, by which API Gateway's older version changes things.
 * https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
 */
import type { PatchOperation } from "@thaw/aws-api/apigateway";
import { badRequest } from "../gateways/refusals.ts";

/**
 * How a path is changed: a member with a text, a flag or a whole number; an entry of a map; an item of a list. The last
 * step of a path to an entry or an item is `*`.
 */
export type Patchable = "text" | "flag" | "number" | "entry" | "flagEntry" | "item";
export type Patchables = Readonly<Record<string, Patchable>>;

type Form = Record<string, unknown>;

const OPERATIONS_MAX = 300;

/**
 * Gives the form with the operations carried out in their order. A member that is removed is not there any more. Throws
 * a BadRequestException for a path that can't be changed.
 */
export function patched<T extends object>(
  form: T,
  operations: readonly PatchOperation[] = [],
  patchables: Patchables,
): T {
  if (operations.length > OPERATIONS_MAX) throw badRequest(`There are at most ${OPERATIONS_MAX} patch operations`);
  const changed = structuredClone(form) as Form;
  for (const operation of operations) carryOut(changed, operation, patchables);
  return changed as T;
}

function carryOut(form: Form, { op = "replace", path = "", value }: PatchOperation, patchables: Patchables): void {
  if (op !== "add" && op !== "replace" && op !== "remove")
    throw badRequest(`Invalid patch operation '${op}': Thaw has add, replace and remove`);
  const steps = path.split("/").slice(1).map(unescaped);
  const found = findPatchable(steps.length, path, patchables);
  if (found === null || steps.some((step) => step === "__proto__"))
    throw badRequest(
      `Invalid patch path  '${path.slice(0, 200)}' specified for op '${op}'. Must be one of: [${Object.keys(patchables).join(", ")}]`,
    );
  if (op !== "remove" && value === undefined && found !== "item")
    throw badRequest(`Patch operation '${op}' of ${path} has no value`);
  const last = steps.pop() ?? "";
  const owner = steps.slice(0, found === "item" ? -1 : undefined).reduce(memberOf, form);
  if (found === "item") changeItem(owner, steps.at(-1) ?? "", last, op === "remove" ? null : op, value ?? last);
  else if (op === "remove") delete owner[last];
  else owner[last] = readValue(found, path, value ?? "");
}

/** `~1` is a slash, `~0` a tilde. */
function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** A whole path that is listed comes before one that ends in `*`. */
function findPatchable(length: number, path: string, patchables: Patchables): Patchable | null {
  if (Object.hasOwn(patchables, path)) return patchables[path] ?? null;
  const parent = path.slice(0, path.lastIndexOf("/"));
  const entry = `${parent}/*`;
  return length >= 2 && Object.hasOwn(patchables, entry) ? (patchables[entry] ?? null) : null;
}

function memberOf(form: Form, name: string): Form {
  const found = form[name];
  if (typeof found === "object" && found !== null) return found as Form;
  const made: Form = {};
  form[name] = made;
  return made;
}

/** An item is named by itself: `add /binaryMediaTypes/image~1png`. A replacement takes its place. */
function changeItem(owner: Form, name: string, item: string, op: "add" | "replace" | null, value: string): void {
  const items = Array.isArray(owner[name]) ? (owner[name] as readonly string[]) : [];
  const wanted = value === "" ? item : value;
  if (op === null) owner[name] = items.filter((each) => each !== item);
  else if (op === "replace") owner[name] = items.map((each) => (each === item ? wanted : each));
  else owner[name] = items.includes(item) ? items : [...items, item];
}

function readValue(kind: Patchable, path: string, value: string): unknown {
  if (kind === "flag" || kind === "flagEntry") {
    if (value !== "true" && value !== "false") throw badRequest(`The value of ${path} must be true or false`);
    return value === "true";
  }
  if (kind !== "number") return value;
  if (!/^\d{1,9}$/.test(value)) throw badRequest(`The value of ${path} must be a whole number`);
  return Number(value);
}

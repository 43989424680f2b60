/**
 * Says whether a role's trust policy lets a caller of another account assume it. Within one account nobody asks: its
 * keys may do everything there.
 */
import { rootArn } from "../caller.ts";

export interface Assumption {
  readonly accountId: string;
  readonly principalArn: string;
  /** What the request gives; null: nothing. */
  readonly externalId: string | null;
}

type Statement = Readonly<Record<string, unknown>>;

const ACTIONS: ReadonlySet<string> = new Set(["sts:assumerole", "sts:*", "*"]);

/** A statement that asks for more than can be judged here allows nothing, and denies what it might. */
export function mayAssume(trustPolicy: string, assumption: Assumption): boolean {
  const statements = statementsOf(trustPolicy);
  const isFor = (statement: Statement): boolean =>
    list(statement["Action"]).some((action) => typeof action === "string" && ACTIONS.has(action.toLowerCase())) &&
    isNamed(statement["Principal"], assumption);
  const isDenied = statements.some(
    (statement) =>
      statement["Effect"] === "Deny" &&
      (statement["NotAction"] !== undefined || statement["NotPrincipal"] !== undefined || isFor(statement)) &&
      conditionHolds(statement["Condition"], assumption) !== false,
  );
  return (
    !isDenied &&
    statements.some(
      (statement) =>
        statement["Effect"] === "Allow" &&
        isFor(statement) &&
        conditionHolds(statement["Condition"], assumption) === true,
    )
  );
}

function statementsOf(document: string): readonly Statement[] {
  try {
    const parsed = JSON.parse(document) as { readonly Statement?: unknown } | null;
    return list(parsed?.Statement).filter((each): each is Statement => typeof each === "object" && each !== null);
  } catch {
    return [];
  }
}

/** An account stands for all that is in it, by its number or by the ARN of its root. */
function isNamed(principal: unknown, { accountId, principalArn }: Assumption): boolean {
  if (principal === "*") return true;
  if (typeof principal !== "object" || principal === null) return false;
  const names = [principalArn, rootArn(accountId), accountId, "*", ...roleOf(principalArn)];
  return list((principal as Statement)["AWS"]).some((each) => typeof each === "string" && names.includes(each));
}

/** The role of a session, as policies name it; the path is not in a session's ARN, so roles with one don't match. */
function roleOf(principalArn: string): readonly string[] {
  const [, accountId, role] = /^arn:aws:sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(principalArn) ?? [];
  return role === undefined ? [] : [`arn:aws:iam::${accountId}:role/${role}`];
}

/** Null: it can't be judged, since it is about something that is not known here. */
function conditionHolds(condition: unknown, { externalId }: Assumption): boolean | null {
  if (condition === undefined) return true;
  if (typeof condition !== "object" || condition === null) return null;
  const parts = Object.entries(condition).flatMap(([operator, keys]) =>
    typeof keys === "object" && keys !== null
      ? Object.entries(keys as object).map(([key, wanted]) => partHolds(operator, key, wanted, externalId))
      : [null],
  );
  if (parts.includes(false)) return false;
  return parts.includes(null) ? null : true;
}

function partHolds(operator: string, key: string, wanted: unknown, externalId: string | null): boolean | null {
  if (operator !== "StringEquals" || key.toLowerCase() !== "sts:externalid") return null;
  return externalId !== null && list(wanted).includes(externalId);
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

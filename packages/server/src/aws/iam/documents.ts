/**
 * Checks of policies: what AWS refuses when a policy is written. What the statements mean is nobody's business here,
 * but for who may assume a role (model/iam/trust.ts).
 */
import { isMap } from "@thaw/installation/json-map";
import { ServiceError } from "../../model/service-error.ts";
import { limitExceeded } from "./context.ts";

type Statement = Readonly<Record<string, unknown>>;

/** AWS's quotas, of characters without white space. */
const TRUST_LENGTH_MAX = 2048;
const MANAGED_LENGTH_MAX = 6144;
export const INLINE_LENGTH_MAX = 10_240;
const VERSIONS: ReadonlySet<unknown> = new Set(["2008-10-17", "2012-10-17"]);
const EFFECTS: ReadonlySet<unknown> = new Set(["Allow", "Deny"]);
const ELEMENTS: ReadonlySet<string> = new Set(
  "Sid Effect Action NotAction Resource NotResource Principal NotPrincipal Condition".split(" "),
);

export function lengthOf(document: string): number {
  return document.replaceAll(/\s/g, "").length;
}

export function checkTrustPolicy(document: string): void {
  if (lengthOf(document) > TRUST_LENGTH_MAX)
    throw limitExceeded(`Cannot exceed quota for ACLSizePerRole: ${TRUST_LENGTH_MAX}`);
  for (const statement of statementsOf(document, "This policy contains invalid Json")) {
    if (isGiven(statement, "Resource") || isGiven(statement, "NotResource"))
      throw malformed("Has prohibited field Resource");
    if (!isGiven(statement, "Principal") && !isGiven(statement, "NotPrincipal"))
      throw malformed("Missing required field Principal");
    const actions = textsOf(statement["Action"] ?? statement["NotAction"]);
    if (actions === null || actions.length === 0) throw malformed("Missing required field Action");
    if (!actions.every((action) => action === "*" || action.toLowerCase().startsWith("sts:")))
      throw malformed("AssumeRole policy may only specify STS AssumeRole actions.");
  }
}

export function checkManagedPolicy(document: string): void {
  if (lengthOf(document) > MANAGED_LENGTH_MAX)
    throw limitExceeded(`Cannot exceed quota for PolicySize: ${MANAGED_LENGTH_MAX}`);
  checkIdentityPolicy(document);
}

/** Checks a policy that says what whoever has it may do. */
export function checkIdentityPolicy(document: string): void {
  for (const statement of statementsOf(document, "Syntax errors in policy.")) {
    if (isGiven(statement, "Principal") || isGiven(statement, "NotPrincipal"))
      throw malformed("Policy document should not specify a principal.");
    const actions = textsOf(statement["Action"] ?? statement["NotAction"]);
    if (actions === null || actions.length === 0) throw malformed("Policy statement must contain actions.");
    if (!actions.every((action) => action === "*" || /^[A-Za-z0-9-]{1,64}:[\x21-\x7e]{1,256}$/.test(action)))
      throw malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    const resources = textsOf(statement["Resource"] ?? statement["NotResource"]);
    if (resources === null || resources.length === 0) throw malformed("Policy statement must contain resources.");
    const wrong = resources.find((resource) => resource !== "*" && !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:/.test(resource));
    if (wrong !== undefined) throw malformed(`Resource ${wrong.slice(0, 200)} must be in ARN format or "*".`);
  }
}

function statementsOf(document: string, syntax: string): readonly Statement[] {
  const parsed = parse(document);
  if (parsed === null) throw malformed(syntax);
  const { Version, Statement: given } = parsed;
  if (Version !== undefined && !VERSIONS.has(Version))
    throw malformed("Policy document must be version 2012-10-17 or greater.");
  const statements: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (statements.length === 0 || !statements.every(isStatement)) throw malformed(syntax);
  const sids = statements.flatMap(({ Sid }) => (typeof Sid === "string" && Sid !== "" ? [Sid] : []));
  if (new Set(sids).size < sids.length) throw malformed("Statement IDs (SID) in a single policy must be unique.");
  return statements;
}

function parse(document: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(document);
    return isMap(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isStatement(value: unknown): value is Statement {
  return (
    isMap(value) && EFFECTS.has((value as Statement)["Effect"]) && Object.keys(value).every((key) => ELEMENTS.has(key))
  );
}

function isGiven(statement: Statement, name: string): boolean {
  return statement[name] !== undefined;
}

/** A text stands for a list of one; null: there is something else. */
function textsOf(value: unknown): readonly string[] | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((each): each is string => typeof each === "string") ? list : null;
}

function malformed(message: string): ServiceError {
  return new ServiceError("MalformedPolicyDocument", message);
}

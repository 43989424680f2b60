/**
 * What a Lambda authorizer returns: a policy for `execute-api:Invoke`, or a plain yes or no.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 */
import { isLike } from "@thaw/template/like";
import { isMap } from "@thaw/installation/json-map";

/** A result that was read: it decides about each method by itself, since it may be kept for others. */
export interface AuthorizerResult {
  readonly principalId: string | null;
  readonly decide: (methodArn: string) => Decision;
  /** What the authorizer hands on. */
  readonly context: Readonly<Record<string, unknown>>;
}

export type Decision = "allowed" | "denied" | "not allowed";

type Json = Readonly<Record<string, unknown>>;

/** AWS's limit of a result. It bounds the time to decide, too. */
const RESULT_BYTES_MAX = 8192;
const ACTION = "execute-api:Invoke";
const UTF_8 = new TextDecoder("utf-8", { fatal: true });

/** Null where the result is none. `isScalar`: the context may have texts, numbers and flags only. */
export function readPolicyResult(
  result: Buffer,
  { isScalar }: { readonly isScalar: boolean },
): AuthorizerResult | null {
  const given = parse(result);
  const principalId = given?.["principalId"];
  const statements = statementsOf(given?.["policyDocument"]);
  const context = given?.["context"] ?? {};
  if (typeof principalId !== "string" || statements === null || !isMap(context)) return null;
  if (isScalar && !Object.values(context).every((value) => ["string", "number", "boolean"].includes(typeof value)))
    return null;
  return { principalId, context, decide: (methodArn) => decide(statements, methodArn) };
}

/** `{ "isAuthorized": true, "context": {} }`, which HTTP APIs may ask for. */
export function readSimpleResult(result: Buffer): AuthorizerResult | null {
  const given = parse(result);
  const isAuthorized = given?.["isAuthorized"];
  const context = given?.["context"] ?? {};
  if (typeof isAuthorized !== "boolean" || !isMap(context)) return null;
  return { principalId: null, context, decide: () => (isAuthorized ? "allowed" : "not allowed") };
}

function parse(result: Buffer): Json | null {
  if (result.length > RESULT_BYTES_MAX) return null;
  try {
    const value: unknown = JSON.parse(UTF_8.decode(result));
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}

interface Statement {
  readonly isAllow: boolean;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly hasCondition: boolean;
}

function statementsOf(document: unknown): readonly Statement[] | null {
  if (!isMap(document)) return null;
  const given = [document["Statement"]].flat();
  const statements = given.map(statementOf);
  return statements.every((each) => each !== null) && given.length > 0 ? statements : null;
}

function statementOf(given: unknown): Statement | null {
  if (!isMap(given)) return null;
  const { Effect: effect, Action: action, Resource: resource, Condition: condition } = given;
  const [actions, resources] = [[action].flat(), [resource].flat()];
  if ((effect !== "Allow" && effect !== "Deny") || !isTexts(actions) || !isTexts(resources)) return null;
  return { isAllow: effect === "Allow", actions, resources, hasCondition: condition !== undefined };
}

/** A statement that denies is stronger. Conditions are not looked at: a statement with one allows nothing. */
function decide(statements: readonly Statement[], methodArn: string): Decision {
  const matching = statements.filter(
    ({ actions, resources }) =>
      actions.some((each) => isLike(each.toLowerCase(), ACTION.toLowerCase())) &&
      resources.some((each) => isLike(each, methodArn)),
  );
  if (matching.some(({ isAllow }) => !isAllow)) return "denied";
  return matching.some(({ isAllow, hasCondition }) => isAllow && !hasCondition) ? "allowed" : "not allowed";
}

function isTexts(values: readonly unknown[]): values is readonly string[] {
  return values.length > 0 && values.every((each) => typeof each === "string");
}

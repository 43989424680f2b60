/**
 * Stack policies: which resources an update may change. Once a stack has one, an update of a resource needs a statement
 * that allows it, and none that denies it.
 */
import { isLike } from "@thaw/template/like";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { TemplateError } from "./template-error.ts";

export type UpdateAction = "Update:Modify" | "Update:Replace" | "Update:Delete";

/** Null: all is allowed, as by `{}`. */
export type StackPolicy = readonly Statement[] | null;

interface Statement {
  readonly isAllowed: boolean;
  readonly actions: Chosen;
  /** Patterns of `LogicalResourceId/…`. */
  readonly resources: Chosen;
  /** Each condition has patterns of types, of which one must fit. */
  readonly conditions: ReadonlyArray<{ readonly isPattern: boolean; readonly types: readonly string[] }>;
}

interface Chosen {
  readonly isNegated: boolean;
  readonly of: readonly string[];
}

const RESOURCE = "LogicalResourceId/";
const ACTIONS: readonly string[] = ["Update:Modify", "Update:Replace", "Update:Delete", "Update:*"];
const POLICY_MEMBERS: readonly string[] = ["Version", "Id", "Statement"];
const STATEMENT_MEMBERS: readonly string[] = [
  "Sid",
  "Effect",
  "Action",
  "NotAction",
  "Principal",
  "Resource",
  "NotResource",
  "Condition",
];

/** Throws TemplateError, in AWS's words and with what is wrong. */
export function parseStackPolicy(text: string): StackPolicy {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw bad("it is not JSON");
  }
  if (!isTemplateMap(policy)) throw bad("it is not an object");
  refuseOthers(policy, POLICY_MEMBERS, "");
  if (policy["Statement"] === undefined) {
    if (Object.keys(policy).length === 0) return null;
    throw bad("Statement is missing");
  }
  const given = policy["Statement"];
  return (isTemplateList(given) ? given : [given]).map((each, at) => statementOf(each, `Statement [#${at + 1}]`));
}

/** Throws TemplateError for a resource that `logicalIds` do not have: it would protect nothing. */
export function refuseUnknownIds(policy: StackPolicy, logicalIds: ReadonlySet<string>): void {
  for (const { resources } of policy ?? [])
    for (const each of resources.of) {
      const id = each.slice(RESOURCE.length);
      if (each === "*" || /[*?]/.test(each) || logicalIds.has(id)) continue;
      // AWS's text has the empty braces.
      throw new TemplateError(
        `Error validating stack policy: Unknown logical id '${each}' in statement {} - stack policies can only be applied to logical ids referenced in the template`,
      );
    }
}

/** Why an update may not do something with a resource; null: it may. */
export function denialOf(
  policy: StackPolicy,
  action: UpdateAction,
  { logicalId, type }: { readonly logicalId: string; readonly type: string },
): string | null {
  if (policy === null) return null;
  const resource = `${RESOURCE}${logicalId}`;
  const fits = ({ actions, resources, conditions }: Statement): boolean =>
    isChosen(actions, (each) => each === action || each === "Update:*") &&
    isChosen(resources, (each) => isLike(each, resource)) &&
    conditions.every(({ isPattern, types }) => types.some((each) => (isPattern ? isLike(each, type) : type === each)));
  const denying = policy.findIndex((each) => !each.isAllowed && fits(each));
  if (denying !== -1)
    return `Action denied by stack policy: Statement [#${denying + 1}] does not allow [${action}] for resource [${resource}]`;
  if (policy.some((each) => each.isAllowed && fits(each))) return null;
  return `Action not allowed by stack policy: no statement allows [${action}] for resource [${resource}]`;
}

function isChosen({ isNegated, of }: Chosen, fits: (each: string) => boolean): boolean {
  return of.some(fits) !== isNegated;
}

function statementOf(given: TemplateValue, where: string): Statement {
  if (!isTemplateMap(given)) throw bad(`${where} is not an object`);
  refuseOthers(given, STATEMENT_MEMBERS, `${where}: `);
  const effect = given["Effect"];
  if (effect !== "Allow" && effect !== "Deny") throw bad(`${where}: Effect must be Allow or Deny`);
  if (given["Principal"] !== "*") throw bad(`${where}: Principal must be "*"`);
  const actions = chosen(given, "Action", where);
  const foreign = actions.of.find((each) => !ACTIONS.includes(each));
  if (foreign !== undefined) throw bad(`${where}: the action ${foreign} is none of ${ACTIONS.join(", ")}`);
  const resources = chosen(given, "Resource", where);
  const other = resources.of.find((each) => each !== "*" && !each.startsWith(RESOURCE));
  if (other !== undefined) throw bad(`${where}: the resource ${other} is neither "*" nor ${RESOURCE}ID`);
  return { isAllowed: effect === "Allow", actions, resources, conditions: conditionsOf(given["Condition"], where) };
}

/** Either of a member and its negation must be there. */
function chosen(given: TemplateMap, member: "Action" | "Resource", where: string): Chosen {
  const [own, negated] = [given[member], given[`Not${member}`]];
  if ((own === undefined) === (negated === undefined))
    throw bad(`${where} must have one of ${member} and Not${member}`);
  const isNegated = own === undefined;
  return { isNegated, of: textsOf(own ?? negated, `${where}: ${isNegated ? "Not" : ""}${member}`) };
}

function conditionsOf(given: TemplateValue | undefined, where: string): Statement["conditions"] {
  if (given === undefined) return [];
  if (!isTemplateMap(given)) throw bad(`${where}: Condition is not an object`);
  return Object.entries(given).map(([operator, keys]) => {
    if (operator !== "StringEquals" && operator !== "StringLike")
      throw bad(`${where}: the condition ${operator} is neither StringEquals nor StringLike`);
    if (!isTemplateMap(keys) || Object.keys(keys).join() !== "ResourceType")
      throw bad(`${where}: ${operator} must have ResourceType, and nothing else`);
    const types = textsOf(keys["ResourceType"], `${where}: ResourceType`);
    return { isPattern: operator === "StringLike", types };
  });
}

function textsOf(given: TemplateValue | undefined, where: string): readonly string[] {
  const all = isTemplateList(given) ? given : [given];
  const texts = all.filter((each) => typeof each === "string");
  if (texts.length === 0 || texts.length !== all.length) throw bad(`${where} must be a text or a list of texts`);
  return texts;
}

function refuseOthers(given: TemplateMap, known: readonly string[], where: string): void {
  const other = Object.keys(given).find((key) => !known.includes(key));
  if (other !== undefined) throw bad(`${where}${other} is none of ${known.join(", ")}`);
}

/** AWS says no more than the first half. */
function bad(what: string): TemplateError {
  return new TemplateError(`Error validating stack policy: Invalid stack policy: ${what}`);
}

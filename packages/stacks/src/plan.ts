/** What a change set shows: the differences between a stack and a template, before anything is made. */
import { evaluateOutputs } from "./evaluate.ts";
import { inOrder } from "./order.ts";
import { type Known, planResource, type Row } from "./plan-resource.ts";
import type { Plan, PlanInput, PolicyAction, ResourceChange } from "./planned.ts";
import type { Prepared } from "./prepared.ts";
import type { ResourceFacts } from "./scope.ts";
import type { DeletionPolicy } from "./stack-resource.ts";
import { finish, type Steps } from "./steps.ts";
import { TemplateError } from "./template-error.ts";
import { attributeOf, sameValue } from "./values.ts";

export type { Plan, PlanInput, ResourceChange };

/** Throws TemplateError where the stack can't become what the template says. */
export function plan(input: PlanInput): Plan {
  return finish(planInSteps(input));
}

export function* planInSteps({ target, previous, resources, types }: PlanInput): Steps<Plan> {
  const rows = currentRows(resources);
  refuseOtherTypes(target, rows);
  const known = new Map<string, Known>();
  const found = new Map<string, ResourceChange>();
  const needs = Object.fromEntries(Object.entries(target.resources).map(([id, { needs: own }]) => [id, own]));
  for (const id of inOrder(needs)) {
    const resource = target.resources[id];
    if (resource === undefined) continue;
    yield;
    const { change, known: own } = planResource({ id, resource, row: rows.get(id), target, previous, known, types });
    known.set(id, own);
    if (change !== null) found.set(id, change);
  }
  const kept = Object.keys(target.resources).flatMap((id) => found.get(id) ?? []);
  const gone = [...rows.values()].filter(({ logicalId }) => !Object.hasOwn(target.resources, logicalId));
  const changes = [...kept, ...gone.map(removal)];
  return { target, changes, isChange: changes.length > 0 || previous === null || isOtherwise(target, previous, rows) };
}

/** Rows that are shown and stand for something. */
function currentRows(resources: PlanInput["resources"]): ReadonlyMap<string, Row> {
  const isThere = (row: Row): boolean => {
    const isGone = row.status === "DELETE_COMPLETE" || row.status === "DELETE_SKIPPED";
    return !row.isObsolete && !isGone;
  };
  return new Map([...resources].filter(isThere).map((row) => [row.logicalId, row]));
}

function refuseOtherTypes(target: Prepared, rows: ReadonlyMap<string, Row>): void {
  const others = Object.entries(target.resources).flatMap(([id, { type }]) => {
    const row = rows.get(id);
    return row === undefined || row.type === type ? [] : [id];
  });
  if (others.length > 0)
    throw new TemplateError(
      `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${others.join(", ")}]`,
    );
}

function removal(row: Row): ResourceChange {
  return {
    action: "Remove",
    logicalId: row.logicalId,
    physicalId: row.physicalId,
    type: row.type,
    replacement: null,
    policyAction: removalPolicy(row.deletionPolicy),
    scope: [],
    details: [],
    before: { Properties: row.properties },
    after: null,
  };
}

function removalPolicy(policy: DeletionPolicy): PolicyAction {
  return policy === "RetainExceptOnCreate" ? "Retain" : policy;
}

/** Says whether anything but resources differs: outputs, tags, topics. */
function isOtherwise(target: Prepared, previous: Prepared, rows: ReadonlyMap<string, Row>): boolean {
  const { tags, place } = target;
  if (!sameValue(tags, previous.tags)) return true;
  if (!sameValue(place.notificationArns, previous.place.notificationArns)) return true;
  const facts: ResourceFacts = {
    ref: (id) => rows.get(id)?.ref ?? rows.get(id)?.physicalId ?? "",
    attribute: (id, name) => attributeOf(rows.get(id)?.attributes ?? {}, name) ?? "",
  };
  const [before, after] = [previous, target].map((each) => JSON.stringify(evaluateOutputs(each, facts)));
  return before !== after;
}

/**
 * AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy. What the policies allow is judged in
 * policies/access.ts.
 */
import { ApiError, notFound } from "../../model/api-error.ts";
import {
  layerVersionArn,
  layerVersionId,
  type LayerStatement,
  type LayerVersionRecord,
  parseLayerName,
} from "../../model/layer-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import { POLICY_LENGTH_MAX, policyDocument, statementExists, statementMissing } from "../records/policy-document.ts";
import type { ControlParts } from "../services.ts";
import { checkNumber, decisionKey } from "./layers.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "random">;

export function layerPermissionOperations(
  services: Needs,
): OperationsOf<"AddLayerVersionPermission" | "RemoveLayerVersionPermission" | "GetLayerVersionPolicy"> {
  const permissions = new Permissions(services);
  return {
    AddLayerVersionPermission: (input) => permissions.add(input),
    RemoveLayerVersionPermission: (input) => permissions.remove(input),
    GetLayerVersionPolicy: (input) => permissions.get(input),
  };
}

interface Named {
  readonly LayerName: string;
  readonly VersionNumber: number;
}

class Permissions {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async add(input: In<"AddLayerVersionPermission">): Promise<Out<"AddLayerVersionPermission">> {
    const { StatementId: id, Action: action, Principal: principal, OrganizationId, RevisionId } = input;
    const { record, arn } = await this.#change(input, (before) => {
      if (before.policy.some((statement) => statement.id === id)) throw statementExists(id);
      checkPolicyRevision(RevisionId, before);
      return [...before.policy, { id, action, principal, organizationId: OrganizationId ?? null }];
    });
    const [statement] = record.policy.slice(-1);
    return {
      Statement: JSON.stringify(statement === undefined ? {} : show(statement, arn)),
      RevisionId: record.revisionId,
    };
  }

  async remove(input: In<"RemoveLayerVersionPermission">): Promise<Out<"RemoveLayerVersionPermission">> {
    const { StatementId: id, RevisionId } = input;
    await this.#change(input, (before) => {
      checkPolicyRevision(RevisionId, before);
      if (before.policy.every((statement) => statement.id !== id)) throw statementMissing(id);
      return before.policy.filter((statement) => statement.id !== id);
    });
    return {};
  }

  async get(input: In<"GetLayerVersionPolicy">): Promise<Out<"GetLayerVersionPolicy">> {
    const { record, arn } = await this.#find(input);
    if (record.policy.length === 0) throw notFound("No policy is associated with the given resource.");
    return { Policy: documentOf(record.policy, arn), RevisionId: record.revisionId };
  }

  async #change(
    input: Named,
    change: (before: LayerVersionRecord) => readonly LayerStatement[],
  ): Promise<{ readonly record: LayerVersionRecord; readonly arn: string }> {
    const { changes, random, scope } = this.#services;
    return changes.decide(decisionKey(parseLayerName(scope, input.LayerName)), async () => {
      const { record: before, arn } = await this.#find(input);
      const policy = change(before);
      if (documentOf(policy, arn).length > POLICY_LENGTH_MAX)
        throw new ApiError(
          "PolicyLengthExceededException",
          `The final policy size is bigger than the limit (${POLICY_LENGTH_MAX}).`,
        );
      const record = { ...before, policy, revisionId: random.uuid() };
      return { writes: [{ op: "put", kind: "layerVersion", record, over: before }], result: { record, arn } };
    });
  }

  async #find(input: Named): Promise<{ readonly record: Stored<LayerVersionRecord>; readonly arn: string }> {
    const { scope, store } = this.#services;
    const name = parseLayerName(scope, input.LayerName);
    checkNumber(input.VersionNumber);
    const arn = layerVersionArn(scope, name, input.VersionNumber);
    const record = await store.getAccountEntry("layerVersion", layerVersionId(name, input.VersionNumber));
    if (record === null) throw notFound(`Layer version ${arn} does not exist.`);
    return { record, arn };
  }
}

function checkPolicyRevision(given: string | undefined, { revisionId }: LayerVersionRecord): void {
  if (given === undefined || given === revisionId) return;
  throw new ApiError(
    "PreconditionFailedException",
    "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id",
  );
}

function documentOf(policy: readonly LayerStatement[], arn: string): string {
  return policyDocument(policy.map((statement) => show(statement, arn)));
}

function show(
  { id, action, principal, organizationId }: LayerStatement,
  arn: string,
): Readonly<Record<string, unknown>> {
  return {
    Sid: id,
    Effect: "Allow",
    Principal: showPrincipal(principal),
    Action: action,
    Resource: arn,
    ...(organizationId === null ? {} : { Condition: { StringEquals: { "aws:PrincipalOrgID": organizationId } } }),
  };
}

function showPrincipal(principal: string): unknown {
  if (principal === "*") return principal;
  return { AWS: /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal };
}

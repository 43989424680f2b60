/**
 * AddPermission, GetPolicy and RemovePermission. A function, each version and each alias has a policy of its own.
 * Texts: recorded …TestLambdaPermissions.test_permission_exceptions.
 */
import { ApiError, invalidParameter, notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { LATEST, type PolicyRecord, type PolicyStatement } from "../../model/function-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { Decision } from "../records/changes.ts";
import { POLICY_LENGTH_MAX, policyDocument, statementExists, statementMissing } from "../records/policy-document.ts";
import type { ControlParts } from "../services.ts";
import { toStatement } from "./statements.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "random">;

export function policyOperations(services: Needs): OperationsOf<"AddPermission" | "GetPolicy" | "RemovePermission"> {
  const policies = new Policies(services);
  return {
    AddPermission: (input) => policies.add(input),
    GetPolicy: (input) => policies.get(input),
    RemovePermission: (input) => policies.remove(input),
  };
}

/** What a policy belongs to, and the write that gives it a new RevisionId; null: it has none of its own. */
interface Subject {
  readonly name: string;
  readonly qualifier: string;
  readonly arn: string;
  readonly revisionId: string | null;
  readonly renew: (revisionId: string) => Write | null;
}

type Named = Pick<In<"GetPolicy">, "FunctionName" | "Qualifier">;

class Policies {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async add(input: In<"AddPermission">): Promise<Out<"AddPermission">> {
    const { scope, changes } = this.#services;
    const { name, qualifier } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
    if (qualifier === LATEST) throw invalidParameter("We currently do not support adding policies for $LATEST.");
    // The principal is looked at first: it is refused where there is no function, too.
    const statement = toStatement(input, functionArn(scope, name, qualifier));
    await changes.decide(name, () => this.#decideAddition(input, statement));
    return { Statement: JSON.stringify(statement) };
  }

  async #decideAddition(input: In<"AddPermission">, statement: PolicyStatement): Promise<Decision<undefined>> {
    const subject = await this.#subjectOf(input, (arn) => notFound(`Function not found: ${arn}`));
    const policy = await this.#policyOf(subject);
    checkPolicyRevision(input.RevisionId, policy, subject);
    const before = policy?.statements ?? [];
    if (before.some(({ Sid }) => Sid === statement.Sid)) throw statementExists(statement.Sid);
    const statements = [...before, statement];
    const length = policyDocument(statements).length;
    if (length > POLICY_LENGTH_MAX)
      throw new ApiError(
        "PolicyLengthExceededException",
        `The final policy size (${length}) is bigger than the limit (${POLICY_LENGTH_MAX}).`,
      );
    return { writes: this.#writesOf(subject, policy, statements), result: undefined };
  }

  async get(input: In<"GetPolicy">): Promise<Out<"GetPolicy">> {
    const nothing = (): ApiError => notFound("The resource you requested does not exist.");
    const subject = await this.#subjectOf(input, nothing).catch((error: Error) => {
      throw error instanceof ApiError && error.name === "ResourceNotFoundException" ? nothing() : error;
    });
    const policy = await this.#policyOf(subject);
    if (policy === null) throw nothing();
    return { Policy: policyDocument(policy.statements), RevisionId: subject.revisionId ?? policy.revisionId };
  }

  async remove(input: In<"RemovePermission">): Promise<Out<"RemovePermission">> {
    const { scope, changes } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
    await changes.decide(name, async () => {
      const subject = await this.#subjectOf(input, (arn) => notFound(`No policy found for: ${arn}`));
      const policy = await this.#policyOf(subject);
      if (policy === null) throw notFound("No policy is associated with the given resource.");
      checkPolicyRevision(input.RevisionId, policy, subject);
      const left = policy.statements.filter(({ Sid }) => Sid !== input.StatementId);
      if (left.length === policy.statements.length) throw statementMissing(input.StatementId);
      return { writes: this.#writesOf(subject, policy, left), result: undefined };
    });
    return {};
  }

  /** Throws what `missing` makes where the function or the version is not there. */
  async #subjectOf(input: Named, missing: (arn: string) => ApiError): Promise<Subject> {
    const { scope, store } = this.#services;
    const { name, qualifier } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
    const latest = await store.getVersion(name, LATEST);
    if (latest === null) throw missing(functionArn(scope, name));
    const of = { name, qualifier: qualifier ?? LATEST, arn: functionArn(scope, name, qualifier) };
    if (of.qualifier === LATEST) {
      const isSettled = latest.state !== "Pending" && latest.lastUpdateStatus !== "InProgress";
      const renew = (revisionId: string): Write | null =>
        // What ends the update looks for its own RevisionId, and gives a new one itself.
        isSettled ? { op: "put", kind: "version", record: { ...latest, revisionId }, over: latest } : null;
      return { ...of, revisionId: latest.revisionId, renew };
    }
    if (/^\d+$/.test(of.qualifier)) {
      const version = await store.getVersion(name, of.qualifier);
      if (version === null) throw missing(of.arn);
      // A version keeps its RevisionId.
      return { ...of, revisionId: null, renew: () => null };
    }
    const alias = await store.getAlias(name, of.qualifier);
    // Names with a `$` are no names of aliases.
    if (alias === null)
      throw of.qualifier.includes("$") ? missing(of.arn) : notFound(`Cannot find alias arn: ${of.arn}`);
    const renew = (revisionId: string): Write => ({
      op: "put",
      kind: "alias",
      record: { ...alias, revisionId },
      over: alias,
    });
    return { ...of, revisionId: alias.revisionId, renew };
  }

  #policyOf({ name, qualifier }: Subject): Promise<Stored<PolicyRecord> | null> {
    return this.#services.store.getSetting("policy", name, qualifier);
  }

  #writesOf(
    { name, qualifier, renew }: Subject,
    policy: Stored<PolicyRecord> | null,
    statements: readonly PolicyStatement[],
  ): readonly Write[] {
    const revisionId = this.#services.random.uuid();
    const renewed = renew(revisionId);
    const record: PolicyRecord = { functionName: name, qualifier, statements, revisionId };
    const change: Write =
      statements.length === 0 && policy !== null
        ? { op: "remove", kind: "policy", record: policy }
        : { op: "put", kind: "policy", record, over: policy };
    return renewed === null ? [change] : [change, renewed];
  }
}

function checkPolicyRevision(given: string | undefined, policy: PolicyRecord | null, subject: Subject): void {
  const current = subject.revisionId ?? policy?.revisionId;
  if (given === undefined || given === current) return;
  throw new ApiError(
    "PreconditionFailedException",
    "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id",
  );
}

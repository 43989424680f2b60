/** What the resource policies of functions and of layers have in common. */
import { type ApiError, conflict, notFound } from "../../model/api-error.ts";

/** AWS's limit on a resource policy, in characters. */
export const POLICY_LENGTH_MAX = 20_480;

/** Writes a policy as it is shown; `statements` in their form of the document. */
export function policyDocument(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Id: "default", Statement: statements });
}

/** Makes the refusal of a statement whose id the policy has already. */
export function statementExists(id: string): ApiError {
  return conflict(
    `The statement id (${id}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
  );
}

/** Makes the refusal where the policy has no statement of that id. */
export function statementMissing(id: string): ApiError {
  return notFound(`Statement ${id} is not found in resource policy.`);
}

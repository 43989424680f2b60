/**
 * Which ARNs may be destinations of asynchronous invokes. Texts of AWS where it has one: environment-behaviour.md 7;
 * Thaw's own sentence follows them where more is to be said.
 */
import { type ApiError, invalidParameter } from "../../model/api-error.ts";
import { parseTarget, serviceOf } from "../../model/destination.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import type { ControlServices } from "../services.ts";
import { findVersion } from "./lookup.ts";

type Needs = Pick<ControlServices, "scope" | "store" | "destinations">;

/** ARNs of a request; null: none. */
export interface DestinationWish {
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
}

/** Throws an InvalidParameterValueException where one of them can't be a destination of the function. */
export async function checkDestinations(services: Needs, functionName: string, wish: DestinationWish): Promise<void> {
  const isKnown = (arn: string | null, known: readonly string[]): boolean =>
    arn === null || known.includes(serviceOf(arn) ?? "");
  // S3 takes failures only.
  if (!isKnown(wish.onSuccess, ["lambda", "sqs", "sns", "events"]) || !isKnown(wish.onFailure, ALL))
    throw invalidParameter(`The provided destination config ${describe(wish)} is invalid.`);
  for (const arn of [wish.onSuccess, wish.onFailure]) if (arn !== null) await checkOne(services, functionName, arn);
}

const ALL = ["lambda", "sqs", "sns", "events", "s3"];

/** Throws an InvalidParameterValueException where the ARN is that of no queue or topic that can be reached. */
export async function checkDeadLetterTarget(services: Pick<Needs, "destinations">, arn: string): Promise<void> {
  const target = parseTarget(arn);
  if (target?.service !== "sqs" && target?.service !== "sns")
    throw invalidParameter(
      `The DeadLetterConfig target ARN ${arn} is invalid: name a standard SQS queue or a standard SNS topic.`,
    );
  const problem = await services.destinations.problemOf(target);
  if (problem !== null) throw invalidParameter(`The DeadLetterConfig target ARN ${arn} is invalid. ${problem}`);
}

async function checkOne(services: Needs, functionName: string, arn: string): Promise<void> {
  if (serviceOf(arn) === "lambda") return checkFunction(services, functionName, arn);
  const target = parseTarget(arn);
  if (target === null) throw invalidArn(arn);
  const problem = await services.destinations.problemOf(target);
  if (problem !== null) throw invalidArn(arn, problem);
}

async function checkFunction(services: Needs, functionName: string, arn: string): Promise<void> {
  if (nameOf(services, arn) === functionName)
    throw invalidParameter("You can't specify the function as a destination for itself.");
  try {
    await findVersion(services, arn, undefined);
  } catch {
    // Another account or region, no function, no such version or alias.
    throw invalidArn(arn);
  }
}

function nameOf({ scope }: Needs, arn: string): string {
  try {
    return parseFunctionName(scope, arn).name;
  } catch {
    throw invalidArn(arn);
  }
}

function invalidArn(arn: string, problem: string | null = null): ApiError {
  return invalidParameter(`The destination ARN ${arn} is invalid.${problem === null ? "" : ` ${problem}`}`);
}

/** AWS shows its own object. */
function describe({ onSuccess, onFailure }: DestinationWish): string {
  const success = onSuccess === null ? "null" : `OnSuccess(destination=${onSuccess})`;
  const failure = onFailure === null ? "null" : `OnFailure(destination=${onFailure})`;
  return `DestinationConfig(onSuccess=${success}, onFailure=${failure})`;
}

/** Looks at dynamic references before anything is made: what is wrong with one for sure need not fail a run. */
import { isTemplateList, isTemplateMap, type TemplateValue } from "@thaw/template/value";
import type { ResourceChange } from "./planned.ts";
import type { ResourceTypes } from "./resource-type.ts";
import { finish, type Steps } from "./steps.ts";
import { TemplateError } from "./template-error.ts";

const BEGIN = "{{resolve:";
/** Characters between the beginning and the end that are resolved. */
const REFERENCE_MAX = 4096;
const SERVICES: readonly string[] = ["ssm", "ssm-secure", "secretsmanager"];
/** Is there where the operator has named an endpoint of Secrets Manager. */
const SECRET = "AWS::SecretsManager::Secret";

/**
 * Throws TemplateError for a reference that nothing can resolve, in what a run would make or change. Whether there is a
 * value is known only then: the stack itself may make it.
 */
export function* checkReferencesInSteps(changes: readonly ResourceChange[], types: ResourceTypes): Steps<void> {
  for (const { action, logicalId, after } of changes) {
    const properties = action === "Remove" ? undefined : after?.["Properties"];
    if (properties === undefined) continue;
    yield;
    for (const [place, text] of textsOf(properties, `Resources.${logicalId}.Properties`))
      for (const reference of referencesIn(text)) {
        const problem = problemOf(reference, types);
        if (problem !== null) throw new TemplateError(`Template error: ${place} has ${problem}`);
      }
  }
}

export function checkReferences(changes: readonly ResourceChange[], types: ResourceTypes): void {
  finish(checkReferencesInSteps(changes, types));
}

function* textsOf(value: TemplateValue, place: string): Generator<readonly [string, string]> {
  if (typeof value === "string") yield [place, value];
  else if (isTemplateList(value)) for (const [at, each] of value.entries()) yield* textsOf(each, `${place}[${at}]`);
  else if (isTemplateMap(value))
    for (const [key, each] of Object.entries(value)) yield* textsOf(each, `${place}.${key}`);
}

/** What is between the braces, without the beginning. What is known later has braces of its own. */
function* referencesIn(text: string): Generator<string> {
  for (let at = text.indexOf(BEGIN), end = -1; at !== -1; at = text.indexOf(BEGIN, at + 1)) {
    if (end < at) end = text.indexOf("}}", at);
    if (end === -1) return;
    // One that goes on for longer is cut: no service has such a name, and all of it would be read for each beginning.
    yield text.slice(at + BEGIN.length, Math.min(end, at + BEGIN.length + REFERENCE_MAX + 1));
  }
}

function problemOf(reference: string, types: ResourceTypes): string | null {
  const [service = "", ...rest] = reference.split(":");
  if (!SERVICES.includes(service))
    return `a dynamic reference to the service ${service.slice(0, 100)}, which is none of ${SERVICES.join(", ")}`;
  const shown = `${BEGIN}${service}:…}}`;
  if (reference.length > REFERENCE_MAX) return `${shown} with more than ${REFERENCE_MAX} characters`;
  if (service === "secretsmanager" && types.find(SECRET) === null)
    return `${shown}, and Thaw keeps no secrets: start the server with --aws-endpoint secretsmanager=URL, or give the value as a parameter with NoEcho`;
  // Its end is known later.
  if (reference.includes("{{")) return null;
  if (rest.join("").trim() === "") return `${shown} without a name`;
  return service === "secretsmanager" ? secretProblem(rest, shown) : null;
}

/** `secret-id:SecretString:json-key:version-stage:version-id`; an ARN has seven parts. */
function secretProblem(parts: readonly string[], shown: string): string | null {
  const [kind = "", _key, stage = "", version = "", ...more] = parts.slice(parts[0] === "arn" ? 7 : 1);
  if (more.length > 0) return `${shown} with more than a secret, SecretString, a key, a stage and a version`;
  if (kind !== "" && kind !== "SecretString") return `${shown} that asks for ${kind}: only SecretString can be had`;
  if (stage !== "" && version !== "") return `${shown} with a stage and a version: give one of them`;
  return null;
}

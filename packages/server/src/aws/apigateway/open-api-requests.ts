/** What a definition says of requests: models of bodies, and what is checked. */
import { createHash } from "node:crypto";
import type { OperationTypes } from "@thaw/aws-api/apigateway";
import { modelAddress } from "../../model/rest-api/request-checks.ts";
import { isMap } from "@thaw/installation/json-map";
import { type Json, mapOf, resolve, textOf } from "../gateways/definition.ts";
import { badRequest } from "../gateways/refusals.ts";

type Input<K extends keyof OperationTypes> = OperationTypes[K]["input"];

export type DefinedModel = Omit<Input<"CreateModel">, "restApiId">;
export type DefinedValidator = Omit<Input<"CreateRequestValidator">, "restApiId">;

export const VALIDATORS = "x-amazon-apigateway-request-validators";
export const VALIDATOR = "x-amazon-apigateway-request-validator";
const JSON_TYPE = "application/json";
/** Where schemas with names stand, by the two kinds of definitions. */
const NAMED = /^#\/(?:definitions|components\/schemas)\/([^/]+)(\/.*)?$/;

export function validatorsOf(whole: Json): readonly DefinedValidator[] {
  return Object.entries(mapOf(whole[VALIDATORS] ?? {}, VALIDATORS)).map(([name, value]) => {
    const {
      validateRequestBody = false,
      validateRequestParameters = false,
      ...others
    } = mapOf(value, `${VALIDATORS}.${name}`);
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw badRequest(`${VALIDATORS}.${name}.${unknown} is not known: leave it out`);
    return {
      name,
      validateRequestBody: String(validateRequestBody) === "true",
      validateRequestParameters: String(validateRequestParameters) === "true",
    };
  });
}

/** The validator that an operation names, or that the whole definition names for all; null: there is none. */
export function validatorNameOf(operation: Json, whole: Json): string | null {
  return textOf(operation[VALIDATOR] ?? whole[VALIDATOR]);
}

/** A name of a model has letters and digits only. */
export function modelName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "");
}

/** Models of the bodies of an operation, by content type. `models`: those without a name elsewhere. */
export function bodiesOf(
  operation: Json,
  parameters: readonly unknown[],
  whole: Json,
  place: string,
): { readonly requestModels: Readonly<Record<string, string>>; readonly models: readonly DefinedModel[] } {
  const models: DefinedModel[] = [];
  const named = schemasOf(operation, parameters, whole, place).map(([type, schema]) => {
    const reference = isMap(schema) ? textOf(schema["$ref"]) : null;
    const name = reference === null ? null : NAMED.exec(reference);
    if (reference !== null && name?.[2] === undefined && name?.[1] !== undefined)
      return [type, modelName(unescaped(name[1]))] as const;
    const made = inlineModel(mapOf(schema, `${place}: the schema of ${type}`));
    models.push(made);
    return [type, made.name] as const;
  });
  return { requestModels: Object.fromEntries(named), models };
}

function schemasOf(
  operation: Json,
  parameters: readonly unknown[],
  whole: Json,
  place: string,
): ReadonlyArray<readonly [type: string, schema: unknown]> {
  const given = operation["requestBody"];
  if (given !== undefined) {
    const own = mapOf(given, `${place}.requestBody`);
    const reference = textOf(own["$ref"]);
    const { content = {} } = reference === null ? own : mapOf(resolve(whole, reference), reference);
    return Object.entries(mapOf(content, `${place}.requestBody.content`)).flatMap(([type, value]) =>
      isMap(value) && value["schema"] !== undefined ? [[type, value["schema"]] as const] : [],
    );
  }
  const body = parameters.filter(isMap).find((each) => each["in"] === "body");
  if (body?.["schema"] === undefined) return [];
  const consumes = operation["consumes"] ?? whole["consumes"];
  const types = Array.isArray(consumes) && consumes.length > 0 ? consumes.map(String) : [JSON_TYPE];
  return types.map((type) => [type, body["schema"]] as const);
}

/** The same schema makes the same model. */
function inlineModel(schema: Json): DefinedModel {
  const text = JSON.stringify(schema);
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
  return { name: `MODEL${digest}`, contentType: JSON_TYPE, schema: text };
}

/** Makes references between the schemas of a definition into references between the models of an API. */
export function withAddresses(schema: string, apiId: string): string {
  return JSON.stringify(
    JSON.parse(schema, (key, value: unknown) => {
      const [, name, rest] = key === "$ref" && typeof value === "string" ? (NAMED.exec(value) ?? []) : [];
      if (name === undefined) return value;
      return `${modelAddress(apiId, modelName(unescaped(name)))}${rest === undefined ? "" : `#${rest}`}`;
    }),
  );
}

function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

/**
 * What a request validator asks of requests: parameters that must be there, and bodies as models describe them.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
 */
import { type CompileExpression, SchemaError } from "../json-schema/check.ts";
import { compileSchema, type Documents, type Verdict } from "../json-schema/compile.ts";
import { loadLinearExpressions } from "../json-schema/linear-expressions.ts";
import type { RestMethodRecord, RestModelRecord, RestValidatorRecord } from "./record.ts";

/** Model that AWS makes with each API, and that stands for one that a method does not name. */
const EMPTY = "Empty";
const EMPTY_SCHEMA = { type: "object" };
const DEFAULT = "$default";
const JSON_TYPE = "application/json";
const MODEL_ADDRESS = /^https?:\/\/apigateway\.amazonaws\.com\/restapis\/([A-Za-z0-9]+)\/models\/([A-Za-z0-9]+)$/;
const PARAMETER = /^method\.request\.(header|path|querystring)\.(.+)$/;

export interface Checked {
  readonly id: string;
  readonly models?: readonly RestModelRecord[];
  readonly validators?: readonly RestValidatorRecord[];
}

export type CheckedMethod = Pick<RestMethodRecord, "requestParameters" | "requestModels" | "requestValidatorId">;

export interface CheckedRequest {
  readonly contentType: string | null;
  readonly body: Buffer;
  /** Null where the request has no such parameter. */
  readonly parameter: (place: string, name: string) => string | null;
}

/** `failed`: the model is such that nothing can be checked by it. */
export type RequestProblem =
  | { readonly kind: "parameters"; readonly missing: readonly string[] }
  | { readonly kind: "body"; readonly why: string }
  | { readonly kind: "tooMuch" }
  | { readonly kind: "failed"; readonly why: string };

type BodyCheck = (value: unknown) => Verdict;

/** The checks of an API as it was deployed. `api.id` is the API's own. */
export class RequestChecks {
  readonly #api: Checked;
  /** By the model's name. */
  readonly #compiled = new Map<string, BodyCheck>();

  constructor(api: Checked) {
    this.#api = api;
  }

  /** Null where a request is as its method wants it. */
  async problemOf(method: CheckedMethod, request: CheckedRequest): Promise<RequestProblem | null> {
    const validator = validatorOf(this.#api, method);
    if (validator === null) return null;
    const missing = validator.areParametersChecked ? missingParameters(method, request) : [];
    if (missing.length > 0) return { kind: "parameters", missing };
    const model = validator.isBodyChecked ? modelFor(method, request.contentType) : null;
    if (model === null) return null;
    const value = parse(request.body);
    if (value === undefined) return { kind: "body", why: "the body is no JSON" };
    let check: BodyCheck;
    try {
      check = await this.#checkOf(model);
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      return { kind: "failed", why: `the model ${model}: ${error.message}` };
    }
    const verdict = check(value);
    if (verdict.kind === "tooMuch") return { kind: "tooMuch" };
    return verdict.problem === null ? null : { kind: "body", why: verdict.problem.replace(/^:/, "the body:") };
  }

  async #checkOf(model: string): Promise<BodyCheck> {
    const known = this.#compiled.get(model);
    if (known !== undefined) return known;
    const check = compileModel(this.#api, model, await loadLinearExpressions());
    this.#compiled.set(model, check);
    return check;
  }
}

/** Null where nothing is asked of requests. */
export function validatorOf(
  { validators = [] }: Checked,
  { requestValidatorId }: CheckedMethod,
): RestValidatorRecord | null {
  return validators.find(({ id }) => id === requestValidatorId) ?? null;
}

/** Models by which bodies of a method are checked. */
export function checkedModels(api: Checked, method: CheckedMethod): readonly string[] {
  const names = Object.values(method.requestModels);
  return validatorOf(api, method)?.isBodyChecked === true ? names : [];
}

/** Throws a SchemaError where a model can't be carried out. */
export function compileModel(api: Checked, model: string, expression: CompileExpression): BodyCheck {
  return compileSchema(model, documentsOf(api), expression);
}

export function hasModel({ models = [] }: Checked, wanted: string): boolean {
  return wanted === EMPTY || models.some(({ name }) => name === wanted);
}

export function isRequestParameter(name: string): boolean {
  return PARAMETER.test(name);
}

export function modelAddress(apiId: string, model: string): string {
  return `https://apigateway.amazonaws.com/restapis/${apiId}/models/${model}`;
}

function documentsOf(api: Checked): Documents {
  return {
    nameOf(address) {
      const [, apiId, model = ""] = MODEL_ADDRESS.exec(address) ?? [];
      return apiId === api.id && hasModel(api, model) ? model : null;
    },
    read(wanted) {
      const found = api.models?.find(({ name }) => name === wanted);
      if (found === undefined && wanted !== EMPTY) throw new SchemaError(`there is no model ${wanted}`);
      const schema = found?.schema ?? null;
      if (schema === null) return EMPTY_SCHEMA;
      try {
        return JSON.parse(schema) as unknown;
      } catch (error) {
        throw new SchemaError(`the schema of ${wanted} is no JSON`, { cause: error });
      }
    },
  };
}

/** Null where the method has models, and none for this type: then nothing is checked. */
function modelFor({ requestModels }: CheckedMethod, contentType: string | null): string | null {
  if (Object.keys(requestModels).length === 0) return EMPTY;
  const type = (contentType ?? JSON_TYPE).split(";", 1)[0]?.trim().toLowerCase();
  const [, own = null] = Object.entries(requestModels).find(([each]) => each.toLowerCase() === type) ?? [];
  return own ?? requestModels[DEFAULT] ?? null;
}

/** No body is an empty object, as on AWS. Undefined: it is no JSON. */
function parse(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** In the order of their places and names; a blank one is missing, too. */
function missingParameters({ requestParameters }: CheckedMethod, { parameter }: CheckedRequest): readonly string[] {
  return Object.entries(requestParameters)
    .filter(([, isRequired]) => isRequired)
    .map(([key]) => key)
    .toSorted()
    .flatMap((key) => {
      const [, place = "", name = ""] = PARAMETER.exec(key) ?? [];
      return name === "" || (parameter(place, name) ?? "").trim() !== "" ? [] : [name];
    });
}

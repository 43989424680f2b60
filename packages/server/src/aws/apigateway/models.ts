/** Models: schemas of bodies, by which methods with a validator check requests. */
import { isMap } from "@thaw/installation/json-map";
import type { Model, OperationTypes } from "@thaw/aws-api/apigateway";
import type { RestApiRecord, RestModelRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict, notFound } from "../gateways/refusals.ts";
import { pageOf } from "./pages.ts";
import { patched } from "./patches.ts";
import { presentModel } from "./present.ts";
import { methodsOf, type StoredRestApis } from "./stored-rest-apis.ts";

const NAME = /^[A-Za-z0-9]{1,256}$/;
/** AWS's limits of an API. */
const MODELS_MAX = 60;
const SCHEMA_LENGTH_MAX = 400_000;
const JSON_TYPE = "application/json";

type Given = Pick<Model, "name" | "description" | "contentType" | "schema">;

export function modelOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateModel(input) {
      const made = await apis.change(input.restApiId, (api) => {
        const model = newModel(apis.newId(), input);
        return { api: withModel(api, model), result: model };
      });
      return presentModel(made);
    },
    async GetModel({ restApiId, modelName, flatten }) {
      if (flatten === true) throw badRequest("flatten is not supported by Thaw: leave it out of GetModel");
      return presentModel(findModel(await apis.find(restApiId), modelName));
    },
    async GetModels(input) {
      return pageOf((await apis.find(input.restApiId)).models, ({ name }) => name, presentModel, input);
    },
    async UpdateModel({ restApiId, modelName, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findModel(api, modelName);
        const patchables = { "/description": "text", "/schema": "text" } as const;
        const model = newModel(before.id, patched(presentModel(before), patchOperations, patchables));
        return { api: { ...api, models: api.models.map((each) => (each === before ? model : each)) }, result: model };
      });
      return presentModel(updated);
    },
    async DeleteModel({ restApiId, modelName }) {
      await apis.change(restApiId, (api) => {
        const gone = findModel(api, modelName);
        const user = methodsOf(api).find(({ method }) => Object.values(method.requestModels).includes(modelName));
        if (user !== undefined)
          throw conflict(`Cannot delete model '${modelName}', is referenced in method request: ${user.place}`);
        return { api: { ...api, models: api.models.filter((each) => each !== gone) }, result: undefined };
      });
      return {};
    },
  };
}

export function newModel(id: string, given: Given): RestModelRecord {
  const { name = "", contentType = JSON_TYPE } = given;
  const [description, schema] = [given.description ?? null, given.schema ?? null];
  if (!NAME.test(name)) throw badRequest("Model name must be alphanumeric");
  if (schema !== null && schema.length > SCHEMA_LENGTH_MAX)
    throw badRequest(`A model's schema has at most ${SCHEMA_LENGTH_MAX} characters`);
  if (schema !== null && contentType === JSON_TYPE && !isSchema(schema))
    throw badRequest("Invalid model schema specified: a schema must be an object of JSON");
  return { id, name, description, contentType, schema };
}

function isSchema(text: string): boolean {
  try {
    const schema = JSON.parse(text) as unknown;
    return isMap(schema);
  } catch {
    return false;
  }
}

/** Throws a ConflictException where there is one of this name. */
export function withModel(api: RestApiRecord, model: RestModelRecord): RestApiRecord {
  if (api.models.some(({ name }) => name === model.name)) throw conflict("Model name already exists for this REST API");
  if (api.models.length >= MODELS_MAX) throw badRequest(`An API has at most ${MODELS_MAX} models`);
  return { ...api, models: [...api.models, model] };
}

/** Those that AWS makes with each API. */
export function defaultModels(apis: StoredRestApis): readonly RestModelRecord[] {
  const schemaOf = (title: string, properties: object): string =>
    JSON.stringify(
      { $schema: "http://json-schema.org/draft-04/schema#", title, type: "object", ...properties },
      null,
      2,
    );
  const error = { properties: { message: { type: "string" } } };
  return [
    newModel(apis.newId(), {
      name: "Error",
      description: "This is a default error schema model",
      schema: schemaOf("Error Schema", error),
    }),
    newModel(apis.newId(), {
      name: "Empty",
      description: "This is a default empty schema model",
      schema: schemaOf("Empty Schema", {}),
    }),
  ];
}

function findModel({ models }: RestApiRecord, name: string): RestModelRecord {
  const found = models.find((each) => each.name === name);
  if (found === undefined) throw notFound(`Invalid model name specified: ${name.slice(0, 100)}`);
  return found;
}

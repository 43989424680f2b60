/** Request validators of REST APIs: made by AWS's client, by definitions and by stacks, and asked by plain HTTP. */
import {
  BadRequestException,
  ConflictException,
  CreateModelCommand,
  CreateRequestValidatorCommand,
  DeleteModelCommand,
  DeleteRequestValidatorCommand,
  GetMethodCommand,
  GetModelsCommand,
  GetRequestValidatorCommand,
  GetRequestValidatorsCommand,
  GetResourcesCommand,
  NotFoundException,
  PutGatewayResponseCommand,
  UpdateMethodCommand,
  UpdateModelCommand,
  UpdateRequestValidatorCommand,
} from "@aws-sdk/client-api-gateway";
import { describe, expect, it } from "vitest";
import { makeFunction } from "./api-harness.ts";
import { addMethod, client, deploy, importApi, makeRestApi, send, uriOf } from "./rest-harness.ts";

const PET = {
  type: "object",
  required: ["name"],
  properties: { name: { type: "string", pattern: "^[A-Za-z]+$" }, age: { type: "integer", minimum: 0 } },
};
const JSON_TYPE = "application/json";

async function makeModel(restApiId: string, name: string, schema: object, contentType = JSON_TYPE): Promise<void> {
  await client.send(new CreateModelCommand({ restApiId, name, contentType, schema: JSON.stringify(schema) }));
}

async function makeValidator(restApiId: string, body: boolean, parameters: boolean): Promise<string> {
  const input = { restApiId, name: "it", validateRequestBody: body, validateRequestParameters: parameters };
  return (await client.send(new CreateRequestValidatorCommand(input))).id ?? "";
}

const post = (id: string, body: unknown, headers: Readonly<Record<string, string>> = {}, query = "") =>
  send(id, {
    method: "POST",
    path: `/prod/pets${query}`,
    headers: { "content-type": JSON_TYPE, ...headers },
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  });

describe("a method with a validator", () => {
  it("lets through what its model describes, and nothing else", async () => {
    const id = await makeRestApi();
    await makeModel(id, "Pet", PET);
    const list = { type: "array", items: { $ref: `https://apigateway.amazonaws.com/restapis/${id}/models/Pet` } };
    await makeModel(id, "Pets", list);
    const requestValidatorId = await makeValidator(id, true, false);
    const method = { requestValidatorId, requestModels: { [JSON_TYPE]: "Pet", "application/pets+json": "Pets" } };
    await addMethod(id, "as-body", "POST /pets", { method });
    await deploy(id);
    expect(await post(id, { name: "Rex", age: 3 })).toMatchObject({ status: 200 });
    const invalid = { status: 400, text: '{"message":"Invalid request body"}' };
    const refused = await post(id, { name: "Rex", age: -1 });
    expect(refused).toMatchObject({
      ...invalid,
      headers: { "x-amzn-errortype": "BadRequestException", "x-thaw-reason": "/age: must be at least 0" },
    });
    for (const body of [{}, { name: "R2" }, [], "{", "", "null"]) expect(await post(id, body)).toMatchObject(invalid);
    const pets = { "content-type": "Application/Pets+json; charset=utf-8" };
    expect((await post(id, [{ name: "Rex" }], pets)).status).toBe(200);
    expect(await post(id, [{ name: "Rex" }, {}], pets)).toMatchObject(invalid);
    // No model is for this type.
    expect((await post(id, "text", { "content-type": "text/plain" })).status).toBe(200);
  });

  it("wants the parameters that must be there, and says which are missing", async () => {
    const id = await makeRestApi();
    const requestValidatorId = await makeValidator(id, false, true);
    const requestParameters = {
      "method.request.querystring.q": true,
      "method.request.header.X-Key": true,
      "method.request.querystring.more": false,
    };
    await addMethod(id, "as-body", "POST /pets", { method: { requestValidatorId, requestParameters } });
    await deploy(id);
    expect((await post(id, "text", { "x-key": "a" }, "?q=1")).status).toBe(200);
    const missing = (names: string): object => ({
      status: 400,
      text: `{"message":"Missing required request parameters: [${names}]"}`,
      headers: { "x-amzn-errortype": "BadRequestException" },
    });
    expect(await post(id, "text")).toMatchObject(missing("X-Key, q"));
    expect(await post(id, "text", { "x-key": "a" }, "?q=")).toMatchObject(missing("q"));
  });

  it("and without a model wants an object", async () => {
    const id = await makeRestApi();
    const requestValidatorId = await makeValidator(id, true, true);
    await addMethod(id, "as-body", "ANY /pets", { method: { requestValidatorId } });
    await deploy(id);
    const statuses = [];
    for (const body of [{}, "", "text", []]) statuses.push((await post(id, body)).status);
    expect(statuses).toEqual([200, 200, 400, 400]);
    expect((await send(id, { path: "/prod/pets" })).status).toBe(200);
  });

  it("answers as the API wants it, with what is wrong", async () => {
    const id = await makeRestApi();
    await makeModel(id, "Pet", PET);
    const requestValidatorId = await makeValidator(id, true, true);
    await addMethod(id, "as-body", "POST /pets", {
      method: { requestValidatorId, requestModels: { $default: "Pet" } },
    });
    const template = '{"why": "$context.error.validationErrorString", "type": "$context.error.responseType"}';
    const response = { responseType: "BAD_REQUEST_BODY", statusCode: "422", restApiId: id } as const;
    const responseTemplates = { [JSON_TYPE]: template };
    await client.send(new PutGatewayResponseCommand({ ...response, responseTemplates }));
    await deploy(id);
    const answer = await post(id, {}, { "content-type": "text/plain" });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      422,
      { why: "[/name: is required]", type: "BAD_REQUEST_BODY" },
    ]);
  });

  it("serves what was deployed until the next deployment", async () => {
    const id = await makeRestApi();
    await makeModel(id, "Pet", PET);
    const requestValidatorId = await makeValidator(id, true, false);
    const method = { requestValidatorId, requestModels: { [JSON_TYPE]: "Pet" } };
    const resourceId = await addMethod(id, "as-body", "POST /pets", { method });
    await deploy(id);
    const patchOperations = [{ op: "replace", path: "/schema", value: '{"type":"array"}' } as const];
    await client.send(new UpdateModelCommand({ restApiId: id, modelName: "Pet", patchOperations }));
    expect((await post(id, [])).status).toBe(400);
    await deploy(id);
    expect((await post(id, [])).status).toBe(200);
    const none = [{ op: "replace", path: "/requestValidatorId", value: "" } as const];
    const place = { restApiId: id, resourceId, httpMethod: "POST" };
    await client.send(new UpdateMethodCommand({ ...place, patchOperations: none }));
    await deploy(id);
    expect((await post(id, {})).status).toBe(200);
  });

  it("whose check takes too long is told so", async () => {
    const id = await makeRestApi();
    const double = (name: string): object => ({ allOf: [{ $ref: name }, { $ref: name }] });
    const definitions = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`d${i}`, i === 39 ? {} : double(`#/definitions/d${i + 1}`)]),
    );
    await makeModel(id, "Slow", { ...double("#/definitions/d0"), definitions });
    const requestValidatorId = await makeValidator(id, true, false);
    await addMethod(id, "as-body", "POST /pets", {
      method: { requestValidatorId, requestModels: { $default: "Slow" } },
    });
    await deploy(id);
    expect(await post(id, {})).toMatchObject({
      status: 413,
      headers: { "x-thaw-reason": expect.stringContaining("too many steps") as string },
    });
  });
});

describe("a validator", () => {
  it("is shown, changed and removed, but not while a method has it", async () => {
    const restApiId = await makeRestApi();
    const id = await makeValidator(restApiId, true, false);
    const place = { restApiId, requestValidatorId: id };
    expect(await client.send(new GetRequestValidatorCommand(place))).toMatchObject({
      id,
      name: "it",
      validateRequestBody: true,
      validateRequestParameters: false,
    });
    const patchOperations = [{ op: "replace", path: "/validateRequestParameters", value: "true" } as const];
    expect(await client.send(new UpdateRequestValidatorCommand({ ...place, patchOperations }))).toMatchObject({
      validateRequestParameters: true,
    });
    expect((await client.send(new GetRequestValidatorsCommand({ restApiId }))).items).toHaveLength(1);
    await makeModel(restApiId, "Pet", PET);
    const method = { requestValidatorId: id, requestModels: { [JSON_TYPE]: "Pet" } };
    const resourceId = await addMethod(restApiId, "as-body", "POST /pets", { method });
    expect(await client.send(new GetMethodCommand({ restApiId, resourceId, httpMethod: "POST" }))).toMatchObject(
      method,
    );
    await expect(client.send(new DeleteRequestValidatorCommand(place))).rejects.toThrow(ConflictException);
    await expect(client.send(new DeleteModelCommand({ restApiId, modelName: "Pet" }))).rejects.toThrow("POST");
    const none = [{ op: "remove", path: "/requestValidatorId" } as const];
    const target = { restApiId, resourceId, httpMethod: "POST" };
    await client.send(new UpdateMethodCommand({ ...target, patchOperations: none }));
    await client.send(new DeleteRequestValidatorCommand(place));
    await expect(client.send(new GetRequestValidatorCommand(place))).rejects.toThrow(NotFoundException);
  });

  it.for([
    ["a validator that is not there", { requestValidatorId: "none" }, "Invalid Request Validator identifier"],
    ["a model that is not there", { requestModels: { [JSON_TYPE]: "None" } }, "Invalid model identifier"],
    ["a parameter of another place", { requestParameters: { "method.request.body.a": true } }, "Parameters are"],
  ] as const)("%s is refused", async ([_what, method, message]) => {
    const id = await makeRestApi();
    await expect(addMethod(id, "as-body", "POST /pets", { method })).rejects.toThrow(message);
  });

  it.for([
    ["look-around", { pattern: "^(?=a)" }, "no linear time"],
    ["a schema of somewhere else", { $ref: "https://example.com/pet.json" }, "leads to no model of this API"],
    ["another API's model", { $ref: "https://apigateway.amazonaws.com/restapis/a/models/Pet" }, "leads to no model"],
    ["what is no schema of draft 4", { type: "thing" }, "no type of draft 4"],
  ] as const)("%s in a model is refused once bodies are to be checked by it", async ([_what, schema, message]) => {
    const id = await makeRestApi();
    await makeModel(id, "Pet", schema);
    const requestModels = { [JSON_TYPE]: "Pet" };
    const resourceId = await addMethod(id, "as-body", "POST /pets", { method: { requestModels } });
    await deploy(id);
    const patchOperations = [
      { op: "replace", path: "/requestValidatorId", value: await makeValidator(id, true, false) } as const,
    ];
    const place = { restApiId: id, resourceId, httpMethod: "POST" };
    await client.send(new UpdateMethodCommand({ ...place, patchOperations }));
    await expect(deploy(id)).rejects.toThrow(message);
    await expect(deploy(id)).rejects.toThrow("/pets/POST");
    await expect(deploy(id)).rejects.toThrow(BadRequestException);
  });

  it("a schema that is no object of JSON is refused", async () => {
    const id = await makeRestApi();
    const input = { restApiId: id, name: "Pet", contentType: JSON_TYPE };
    for (const schema of ["{", "[]", "1"])
      await expect(client.send(new CreateModelCommand({ ...input, schema }))).rejects.toThrow("Invalid model schema");
  });
});

describe("a definition", () => {
  const integration = async (): Promise<object> => ({
    "x-amazon-apigateway-integration": {
      httpMethod: "POST",
      type: "aws_proxy",
      uri: uriOf(await makeFunction("as-body")),
    },
    responses: {},
  });
  const validators = {
    "x-amazon-apigateway-request-validators": {
      "body-and-params": { validateRequestBody: true, validateRequestParameters: true },
      none: { validateRequestBody: false, validateRequestParameters: false },
    },
  };

  it("of Swagger 2, as SAM writes it, has models, parameters and a validator", async () => {
    const id = await importApi({
      ...validators,
      paths: {
        "/pets": {
          post: {
            ...(await integration()),
            "x-amazon-apigateway-request-validator": "body-and-params",
            parameters: [
              { in: "body", name: "pet", schema: { $ref: "#/definitions/pet" }, required: true },
              { in: "header", name: "X-Key", required: true, type: "string" },
            ],
          },
        },
      },
      definitions: {
        pet: { ...PET, properties: { ...PET.properties, tag: { $ref: "#/definitions/tag" } } },
        tag: { type: "string", maxLength: 3 },
      },
    });
    await deploy(id);
    const key = { "x-key": "a" };
    const statuses = [];
    for (const body of [
      { name: "Rex", tag: "abc" },
      { name: "Rex", tag: "abcd" },
    ])
      statuses.push((await post(id, body, key)).status);
    expect(statuses).toEqual([200, 400]);
    expect((await post(id, { name: "Rex" })).text).toContain("[X-Key]");
  });

  it("of OpenAPI 3 has one validator for all, and bodies in place", async () => {
    const schema = { type: "object", required: ["pet"], properties: { pet: { $ref: "#/components/schemas/Pet" } } };
    const id = await importApi({
      swagger: undefined,
      openapi: "3.0.1",
      ...validators,
      "x-amazon-apigateway-request-validator": "body-and-params",
      paths: {
        "/pets": {
          parameters: [{ $ref: "#/components/parameters/q" }],
          post: { ...(await integration()), requestBody: { content: { [JSON_TYPE]: { schema } } } },
          get: { ...(await integration()), "x-amazon-apigateway-request-validator": "none" },
        },
      },
      components: { schemas: { Pet: PET }, parameters: { q: { in: "query", name: "q", required: true } } },
    });
    await deploy(id);
    expect((await post(id, { pet: { name: "Rex" } }, {}, "?q=1")).status).toBe(200);
    expect((await post(id, { pet: { name: 1 } }, {}, "?q=1")).status).toBe(400);
    expect((await post(id, { pet: { name: "Rex" } })).text).toContain("[q]");
    expect((await send(id, { path: "/prod/pets" })).status).toBe(200);
    const { items = [] } = await client.send(new GetModelsCommand({ restApiId: id }));
    expect(items.map(({ name }) => name)).toEqual([expect.stringMatching(/^MODEL[0-9a-f]{12}$/), "Pet"]);
    const { items: resources = [] } = await client.send(new GetResourcesCommand({ restApiId: id }));
    expect(resources.find(({ path }) => path === "/pets")).toBeDefined();
  });

  it.for([
    ["a validator that it does not have", { "x-amazon-apigateway-request-validator": "all" }, "which is not there"],
    ["a model that it does not have", { parameters: [{ in: "body", schema: { $ref: "#/definitions/no" } }] }, "model"],
  ] as const)("that names %s is refused", async ([_what, operation, message]) => {
    const paths = { "/pets": { post: { ...(await integration()), ...operation } } };
    await expect(importApi({ paths })).rejects.toThrow(message);
  });
});

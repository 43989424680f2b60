/** Saved test events as AWS's tools see them, schemas of a registry, and as Thaw's own API does: the same ones. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { schemasOperations } from "@thaw/server/testing/http";
import { HttpHarness } from "./http-harness.ts";

const PLACE = { RegistryName: "lambda-testevent-schemas", SchemaName: "_orders-schema" };
const BIG = '{"id":12345678901234567890,"rate":1.50}';

let harness: HttpHarness;
beforeEach(async () => {
  harness = await HttpHarness.start({ functions: { code: { handle: () => "1" } } });
  await harness.control.create("orders", "code");
});
afterEach(() => harness[Symbol.asyncDispose]());

type Output = Readonly<Record<string, unknown>>;

async function ask(operation: string, input: object): Promise<Output> {
  const { scope, testEvents } = harness.control.control;
  const operations = schemasOperations({ scope, testEvents }) as Readonly<
    Record<string, (given: object) => Output | Promise<Output>>
  >;
  const found = operations[operation];
  if (found === undefined) throw new Error(`no operation ${operation}`);
  return found(input);
}

const refusal = (operation: string, input: object): Promise<string> =>
  ask(operation, input).then(
    () => "taken",
    (error: Error & { readonly code?: string }) => `${error.code}: ${error.message}`,
  );

const put = (name: string, event: string): Promise<unknown> =>
  harness.client.call("putTestEvent", { parameters: { function: "orders", name }, body: { event } });
const get = async (name: string): Promise<string> =>
  (await harness.client.call("getTestEvent", { parameters: { function: "orders", name } })).event;
const names = async (): Promise<readonly string[]> =>
  (await harness.client.call("listTestEvents", { parameters: { function: "orders" } })).events.map(({ name }) => name);

const contentOf = (examples: string): string => `{"openapi":"3.0.0","components":{"examples":{${examples}}}}`;

it("an event of either side is seen by the other, with its digits", async () => {
  await put("mine", BIG);
  const { Content, ...shown } = await ask("DescribeSchema", PLACE);
  expect(shown).toEqual({
    SchemaArn: expect.stringMatching(/^arn:aws:schemas:[^:]+:\d{12}:schema\/lambda-testevent-schemas\/_orders-schema$/),
    SchemaName: "_orders-schema",
    SchemaVersion: "1",
    Type: "OpenApi3",
  });
  expect(JSON.parse(String(Content))).toMatchObject({
    openapi: "3.0.0",
    components: {
      schemas: { Event: { type: "object", properties: { id: { type: "number" } } } },
      examples: { mine: { value: { rate: 1.5 } } },
    },
  });
  expect(Content).toContain(`"mine":{"value":${BIG}}`);
  const examples = `"mine":{"value":${BIG}},"theirs":{"value":{"n":98765432109876543210}}`;
  await ask("UpdateSchema", { ...PLACE, Content: contentOf(examples) });
  expect(await names()).toEqual(["mine", "theirs"]);
  expect([await get("mine"), await get("theirs")]).toEqual([BIG, '{"n":98765432109876543210}']);
  await ask("UpdateSchema", { ...PLACE, Content: contentOf('"theirs":{"value":null}') });
  expect([await names(), await get("theirs")]).toEqual([["theirs"], "null"]);
});

it("an event that an update does not change stays as it was written", async () => {
  await put("mine", '{ "a" : 1 }');
  const examples = '"mine":{"value":{"a":1}},"other":{"value":2}';
  await ask("UpdateSchema", { ...PLACE, Content: contentOf(examples) });
  expect(await get("mine")).toBe('{ "a" : 1 }');
});

it("a schema is made of a discovered one, shown as one version, and deleted with its events", async () => {
  const { Content } = await ask("GetDiscoveredSchema", { Type: "OpenApi3", Events: ['{"a":[{"b":true}],"c":null}'] });
  expect(JSON.parse(String(Content)).components.schemas.Event).toEqual({
    type: "object",
    properties: { a: { type: "array", items: { type: "object", properties: { b: { type: "boolean" } } } }, c: {} },
  });
  expect(await refusal("DescribeSchema", PLACE)).toBe("NotFoundException: Schema with name _orders-schema not found.");
  const made = { ...PLACE, Type: "OpenApi3", Content: contentOf('"one":{"value":1}') };
  await ask("CreateSchema", made);
  expect(await refusal("CreateSchema", made)).toMatch(/^ConflictException: /);
  expect(await ask("ListSchemaVersions", PLACE)).toMatchObject({ SchemaVersions: [{ SchemaVersion: "1" }] });
  expect(await names()).toEqual(["one"]);
  await ask("DeleteSchema", PLACE);
  expect(await names()).toEqual([]);
  expect(await refusal("DeleteSchema", PLACE)).toMatch(/^NotFoundException: /);
});

it("the door is the service's own protocol, and other operations are refused by name", async () => {
  await put("mine", BIG);
  const send = async (method: string, path: string) => {
    const headers = harness.signed(method, path, Buffer.alloc(0), {}, "schemas");
    const response = await fetch(`http://${harness.host}${path}`, { method, headers });
    return [response.status, await response.json()];
  };
  const registry = `/v1/registries/name/${PLACE.RegistryName}`;
  expect(await send("GET", `${registry}/schemas/name/${PLACE.SchemaName}`)).toEqual([
    200,
    expect.objectContaining({ Content: expect.stringContaining(BIG), SchemaName: PLACE.SchemaName }),
  ]);
  expect((await send("GET", `${registry}/schemas/name/_none-schema`))[0]).toBe(404);
  expect(JSON.stringify(await send("GET", "/v1/discoverers"))).toMatch(
    /ListDiscoverers.*lambda-testevent-schemas alone/,
  );
});

const CONTENT = contentOf('"one":{"value":1}');
it.for([
  ["DescribeRegistry", { RegistryName: "mine" }, "NotFoundException: Registry with name mine not found: Thaw has the"],
  ["CreateRegistry", { RegistryName: "mine" }, "BadRequestException: Registry with name mine not found: Thaw has the"],
  ["CreateRegistry", { RegistryName: PLACE.RegistryName }, "ConflictException: "],
  ["DescribeSchema", { ...PLACE, SchemaName: "orders" }, "BadRequestException: The name of a schema must be _NAME-"],
  ["DescribeSchema", { ...PLACE, SchemaVersion: "2" }, "NotFoundException: Thaw keeps the newest version"],
  [
    "CreateSchema",
    { ...PLACE, SchemaName: "_none-schema", Type: "OpenApi3", Content: CONTENT },
    "NotFoundException: Function not found: arn:",
  ],
  [
    "CreateSchema",
    { ...PLACE, Type: "JSONSchemaDraft4", Content: CONTENT },
    "BadRequestException: Schemas of type JSO",
  ],
  [
    "CreateSchema",
    { ...PLACE, Type: "OpenApi3", Content: "{}" },
    "BadRequestException: Content must be JSON with comp",
  ],
  ["CreateSchema", { ...PLACE, Type: "OpenApi3", Content: "{" }, "BadRequestException: Content must be JSON with comp"],
  [
    "CreateSchema",
    { ...PLACE, Type: "OpenApi3", Content: contentOf(`"one":{"value":${"[".repeat(40_000)}${"]".repeat(40_000)}}`) },
    "BadRequestException: ",
  ],
  [
    "CreateSchema",
    { ...PLACE, Type: "OpenApi3", Content: contentOf('"a b":{"value":1}') },
    "BadRequestException: The name of a test event has 1 to 64 letters",
  ],
  [
    "CreateSchema",
    { ...PLACE, Type: "OpenApi3", Content: CONTENT, Description: "x" },
    "BadRequestException: Description is not supported by Thaw: leave it out",
  ],
  [
    "GetDiscoveredSchema",
    { Type: "OpenApi3", Events: ["1", "2"] },
    "BadRequestException: Thaw discovers the schema of",
  ],
  ["GetDiscoveredSchema", { Type: "OpenApi3", Events: ["{"] }, "BadRequestException: The event is not JSON: "],
] as const)("is refused: %s %j", async ([operation, input, reason]) => {
  expect((await refusal(operation, input)).slice(0, reason.length)).toBe(reason);
  expect(await names()).toEqual([]);
});

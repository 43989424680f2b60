/** Operations by method, path and fixed query, for all operations of the model. */
import { describe, it } from "vitest";
import { matchOperation, OPERATIONS, type OperationName, parseInput, serializeOutput } from "../lambda.ts";

const QUERY = new URLSearchParams();
const operations = Object.entries(OPERATIONS) as Array<[OperationName, { method: string; uri: string }]>;

describe("matchOperation", () => {
  it.for(operations)("%s is reached by its own method, path and query", ([name, { method, uri }], { expect }) => {
    const filled = uri.replaceAll(/\{\w+\+?\}/g, "a%3Ab");
    const [path = "", query = ""] = filled.split("?");
    const match = matchOperation(method, path, new URLSearchParams(query));
    expect(match?.operation).toBe(name);
    for (const value of Object.values(match?.pathParameters ?? {})) expect(value).toBe("a:b");
  });

  const fixed = operations.filter(([, { uri }]) => uri.includes("?"));

  it("the model has operations with a fixed query", ({ expect }) => {
    expect(fixed.map(([name]) => name)).toEqual(["GetLayerVersionByArn", "ListProvisionedConcurrencyConfigs"]);
  });

  it.for(fixed)("%s is not reached without its query, nor with another", ([name, { method, uri }], { expect }) => {
    const path = uri.replaceAll(/\{\w+\}/g, "f").split("?")[0] ?? "";
    for (const query of ["", "List=NONE", "find=Nothing", "Qualifier=1"])
      expect(matchOperation(method, path, new URLSearchParams(query))?.operation).not.toBe(name);
  });

  it("other parameters beside a fixed query are left to the operation", ({ expect }) => {
    const path = "/2019-09-30/functions/f/provisioned-concurrency";
    expect(matchOperation("GET", path, new URLSearchParams("MaxItems=1&List=ALL"))).toEqual({
      operation: "ListProvisionedConcurrencyConfigs",
      pathParameters: { FunctionName: "f" },
    });
    expect(matchOperation("GET", path, new URLSearchParams("Qualifier=1"))?.operation).toBe(
      "GetProvisionedConcurrencyConfig",
    );
  });

  it("a label with + takes slashes, others do not; a broken escape is nothing", ({ expect }) => {
    expect(matchOperation("GET", "/2015-03-31/functions/a/b/c", QUERY)).toBeNull();
    expect(matchOperation("GET", "/2015-03-31/functions/%zz", QUERY)).toBeNull();
    expect(matchOperation("GET", "/2015-03-31/functions//", QUERY)).toBeNull();
    expect(matchOperation("GET", "/2015-03-31/functions", QUERY)?.operation).toBe("ListFunctions");
    expect(matchOperation("GET", "/2015-03-31/functions/f/", QUERY)?.operation).toBe("GetFunction");
  });
});

it("a timestamp is written as seconds since 1970, in lists too", ({ expect }) => {
  const LastModified = new Date(1_700_000_000_123);
  const one = serializeOutput("GetFunctionEventInvokeConfig", { LastModified });
  expect(String(one.body)).toBe('{"LastModified":1700000000.123}');
  const all = serializeOutput("ListFunctionEventInvokeConfigs", { FunctionEventInvokeConfigs: [{ LastModified }] });
  expect(String(all.body)).toBe('{"FunctionEventInvokeConfigs":[{"LastModified":1700000000.123}]}');
});

describe("a blob", () => {
  const read = (ZipFile: string): unknown => {
    const match = matchOperation("PUT", "/2015-03-31/functions/f/code", QUERY);
    if (match === null) throw new Error("no such operation");
    const body = Buffer.from(JSON.stringify({ ZipFile }));
    const input = parseInput(match, { method: "PUT", path: "", query: QUERY, headers: {}, body });
    return (input as { readonly ZipFile: Buffer }).ZipFile.toString();
  };

  it.for([
    ["Z29vZA==", "good"],
    ["Z29v\n ZA= =\n", "good"],
    ["", ""],
    ["YWJj", "abc"],
  ] as const)("%j is base64", ([text, content], { expect }) => {
    expect(read(text)).toBe(content);
  });

  // As a pattern with two parts that take blanks, it stopped a server for most of a minute.
  it.for([
    "Z29vZA===",
    "Z29v=ZA",
    "Z%29",
    `${" ".repeat(250_000)}!`,
    `=${" ".repeat(250_000)}=${" ".repeat(250_000)}=`,
  ])("text %# is none", (text, { expect }) => {
    expect(() => read(text)).toThrow("A blob must be base64 text");
  });
});

describe("texts of a query", () => {
  const parse = (MaxItems: string): unknown =>
    parseInput(
      { operation: "ListFunctions", pathParameters: {} },
      { method: "GET", path: "/", headers: {}, query: new URLSearchParams({ MaxItems }), body: Buffer.alloc(0) },
    );

  it.for(["", "x", "1e300", "1.5", "0x10", " 1", "9".repeat(20), "Infinity"])("%j is no number", (text, { expect }) => {
    expect(() => parse(text)).toThrow(`Value '${text}' is not a whole number`);
  });

  it("a number may be negative", ({ expect }) => {
    expect(parse("-7")).toMatchObject({ MaxItems: -7 });
  });
});

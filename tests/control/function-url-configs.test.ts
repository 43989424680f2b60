/** Configurations of function URLs: the members of answers, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UrlHarness } from "./url-harness.ts";

interface Recorded {
  readonly "-": { readonly responses: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

/** The members that AWS answered with, by step. */
function recordedMembers(test: string): Record<string, readonly string[]> {
  const path = join(import.meta.dirname, `../recorded/test_lambda_api.TestLambdaUrl.${test}.json`);
  const { responses } = (JSON.parse(readFileSync(path, "utf8")) as Recorded)["-"];
  return Object.fromEntries(Object.entries(responses).map(([step, answer]) => [step, membersOf(answer)]));
}

function membersOf(answer: unknown): readonly string[] {
  return Object.keys(answer as object)
    .filter((name) => name !== "ResponseMetadata")
    .toSorted();
}

let urls: UrlHarness;
beforeAll(async () => {
  urls = await UrlHarness.start();
});
afterAll(() => urls.end());

describe("lists of Cors", () => {
  it.for([
    [{ AllowMethods: ["OPTIONS"] }, "ValidationException"],
    [{ AllowMethods: ["FETCH"] }, "InvalidParameterValueException"],
    [{ AllowMethods: ["*", "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"] }, "ValidationException"],
    [{ AllowOrigins: ["https://*.example"] }, "InvalidParameterValueException"],
    [{ AllowOrigins: ["https://a.example/path"] }, "InvalidParameterValueException"],
    [{ AllowOrigins: Array.from({ length: 101 }, (_, index) => `https://h${index}`) }, "ValidationException"],
    [{ AllowHeaders: Array.from({ length: 101 }, (_, index) => `h${index}`) }, "ValidationException"],
    [{ MaxAge: 86_401 }, "ValidationException"],
  ] as const)("for %j are refused", async ([Cors, error]) => {
    const name = await urls.makeFunction("echo");
    const body = Buffer.from(JSON.stringify({ AuthType: "NONE", Cors }));
    const answer = await urls.http.fetch("POST", `/2021-10-31/functions/${name}/url`, body);
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, error]);
  });
});

describe("the configuration", async () => {
  it("has the members that are recorded", async () => {
    const name = await urls.makeFunction("echo");
    const of = { FunctionName: name };
    const life = recordedMembers("test_url_config_lifecycle");
    expect(membersOf(await urls.call("CreateFunctionUrlConfig", { ...of, AuthType: "NONE" }))).toEqual(
      life["url_creation"],
    );
    expect(membersOf(await urls.call("GetFunctionUrlConfig", of))).toEqual(life["get_url_config"]);
    const updated = await urls.call("UpdateFunctionUrlConfig", { ...of, AuthType: "AWS_IAM" });
    expect(membersOf(updated)).toEqual(life["updated_url_config"]);
    await expect(urls.call("CreateFunctionUrlConfig", { ...of, AuthType: "NONE" })).rejects.toThrow(
      `Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:000000000000:function:${name}]. ` +
        "Error message:  FunctionUrlConfig exists for this Lambda function",
    );
    await urls.call("CreateAlias", { ...of, Name: "a", FunctionVersion: "$LATEST" });
    const alias = { ...of, Qualifier: "a" };
    const apart = recordedMembers("test_url_config_deletion_without_qualifier");
    const ofAlias = await urls.call("CreateFunctionUrlConfig", { ...alias, AuthType: "NONE" });
    expect(membersOf(ofAlias)).toEqual(apart["url_with_alias_creation"]);
    await urls.call("DeleteFunctionUrlConfig", of);
    await expect(urls.call("GetFunctionUrlConfig", of)).rejects.toThrow("The resource you requested does not exist.");
    expect(membersOf(await urls.call("GetFunctionUrlConfig", alias))).toEqual(
      apart["get_url_config_with_alias_after_deletion"],
    );
  });

  it("names the modes in AWS's order where another one is given", async () => {
    const body = Buffer.from('{"AuthType": "NONE", "InvokeMode": "UNKNOWN"}');
    const answer = await urls.http.fetch("POST", "/2021-10-31/functions/f/url", body);
    expect(await answer.json()).toEqual({
      message:
        "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to satisfy constraint: Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]",
    });
  });

  it("shows an address that works for the client that asks", async () => {
    const { name, id } = await urls.makeUrl("echo");
    const answer = await urls.http.fetch("GET", `/2021-10-31/functions/${name}/url`);
    const shown = (await answer.json()) as { readonly FunctionUrl: string };
    expect(shown).toMatchObject({
      FunctionUrl: `http://${urls.hostOf(id)}/`,
      InvokeMode: "BUFFERED",
      AuthType: "NONE",
    });
    const listed = await urls.http.fetch("GET", `/2021-10-31/functions/${name}/urls`);
    expect(await listed.json()).toEqual({ FunctionUrlConfigs: [shown] });
  });

  it("keeps what an update leaves out, and an empty Cors takes it away", async () => {
    const { name } = await urls.makeUrl("echo", { InvokeMode: "RESPONSE_STREAM", Cors: { MaxAge: 1 } });
    expect(await urls.call("UpdateFunctionUrlConfig", { FunctionName: name })).not.toHaveProperty("InvokeMode");
    const get = (): Promise<unknown> => urls.call("GetFunctionUrlConfig", { FunctionName: name });
    expect(await get()).toMatchObject({ InvokeMode: "RESPONSE_STREAM", Cors: { MaxAge: 1 } });
    await urls.call("UpdateFunctionUrlConfig", { FunctionName: name, Cors: {} });
    expect(await get()).not.toHaveProperty("Cors");
    expect(await urls.call("DeleteFunctionUrlConfig", { FunctionName: name })).toEqual({});
    await expect(get()).rejects.toThrow("The resource you requested does not exist.");
  });
});

/**
 * Thaw's answers beside those recorded from AWS: the same members, the same texts; placeholders stand for what differs.
 */
import * as aws from "@aws-sdk/client-lambda";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { ROLE, type TestFunctions, WAIT, zipOf } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Responses = Readonly<Record<string, { readonly [key: string]: Json }>>;

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

function recorded(name: string, parameter = "-"): Responses {
  const all = JSON.parse(
    readFileSync(join(REPOSITORY, `tests/recorded/test_lambda_api.${name}.json`), "utf8"),
  ) as Record<string, { responses: Responses }>;
  return all[parameter]?.responses ?? {};
}

/** Null where `actual` is what AWS answered. */
function difference(expected: Json, actual: unknown, path = ""): string | null {
  if (typeof expected === "string") return differentText(expected, actual, path);
  if (expected === null || typeof expected !== "object")
    return expected === actual ? null : `${path}: ${String(expected)}, not ${String(actual)}`;
  if (typeof actual !== "object" || actual === null) return `${path}: an object, not ${String(actual)}`;
  const keys = (value: object): string[] =>
    Object.keys(value).filter(
      (key) =>
        !["ResponseMetadata", "$metadata"].includes(key) && (value as Record<string, unknown>)[key] !== undefined,
    );
  const [wanted, given] = [keys(expected).toSorted(), keys(actual).toSorted()];
  if (JSON.stringify(wanted) !== JSON.stringify(given)) return `${path}: members ${wanted.join()}, not ${given.join()}`;
  for (const key of wanted) {
    const found = difference(
      (expected as Record<string, Json>)[key] ?? null,
      (actual as Record<string, unknown>)[key],
      `${path}.${key}`,
    );
    if (found !== null) return found;
  }
  return null;
}

function differentText(expected: string, actual: unknown, path: string): string | null {
  if (expected === "date" || /^<[^<>]+>$/.test(expected))
    return actual === undefined || actual === "" ? `${path} is missing` : null;
  const pattern = expected
    .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll(/<[a-z-]+(?::\d+)?>/g, "[^:/]+")
    .replaceAll("111111111111", "000000000000");
  return new RegExp(`^${pattern}$`).test(String(actual)) ? null : `${path}: ${expected}, not ${String(actual)}`;
}

async function refused(command: Promise<unknown>): Promise<{ Code: string; Message: string; status: number }> {
  const error = (await command.then(
    () => null,
    (thrown: unknown) => thrown,
  )) as { name: string; message: string; $metadata: { httpStatusCode: number } } | null;
  if (error === null) throw new Error("it was not refused");
  return { Code: error.name, Message: error.message, status: error.$metadata.httpStatusCode };
}

function expectedError(response: { readonly [key: string]: Json } | undefined): {
  Code: string;
  Message: string;
  status: number;
} {
  const error = response?.["Error"] as unknown as { Code: string; Message: string };
  const metadata = response?.["ResponseMetadata"] as unknown as { HTTPStatusCode: number } | undefined;
  return { ...error, status: metadata?.HTTPStatusCode ?? 0 };
}

const send = <T>(command: unknown): Promise<T> => functions.lambda.send(command as never) as Promise<T>;

describe("recorded from AWS", () => {
  it("SnapStart lifecycle", async ({ expect }) => {
    const expected = recorded("TestLambdaSnapStart.test_snapstart_lifecycle", "java17");
    const created = await send(
      new aws.CreateFunctionCommand({
        FunctionName: "java",
        Role: ROLE,
        Runtime: "java17",
        Handler: "echo.Handler",
        MemorySize: 1024,
        Timeout: 5,
        Code: { ZipFile: await zipOf({ a: "" }) },
      }),
    );
    expect(difference(expected["create_function_response"] ?? null, created)).toBeNull();
    await aws.waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName: "java" });
    await send(new aws.PublishVersionCommand({ FunctionName: "java", Description: "version1" }));
    await aws.waitUntilPublishedVersionActive(
      { client: functions.lambda, ...WAIT },
      { FunctionName: "java", Qualifier: "1" },
    );
    expect(
      difference(
        expected["get_function_response_latest"] ?? null,
        await send(new aws.GetFunctionCommand({ FunctionName: "java" })),
      ),
    ).toBeNull();
    expect(
      difference(
        expected["get_function_response_version_1"] ?? null,
        await send(new aws.GetFunctionCommand({ FunctionName: "java", Qualifier: "1" })),
      ),
    ).toBeNull();
  });

  it("layers: published, attached, deleted while a function has them", async ({ expect }) => {
    const expected = recorded("TestLambdaLayer.test_layer_lifecycle");
    // The runtime that each host of these tests has.
    const like = (step: string, answer: unknown): void => {
      const text = JSON.stringify(expected[step] ?? null).replaceAll("python3.12", "python3.13");
      expect(difference(JSON.parse(text) as Json, answer), step).toBeNull();
    };
    const FunctionName = await functions.create(
      { "handler.py": "" },
      {
        Runtime: "python3.13",
        Handler: "handler.handler",
        MemorySize: 128,
        Timeout: 30,
        Environment: { Variables: {} },
      },
    );
    const publish = async (content: string): Promise<aws.PublishLayerVersionCommandOutput> =>
      send(
        new aws.PublishLayerVersionCommand({
          LayerName: "layer",
          CompatibleRuntimes: ["python3.13"],
          CompatibleArchitectures: ["x86_64"],
          Content: { ZipFile: await zipOf({ content }) },
          Description: "a description",
          LicenseInfo: "MIT",
        }),
      );
    const list = (): Promise<unknown> => send(new aws.ListLayerVersionsCommand({ LayerName: "layer" }));
    const remove = (VersionNumber: number): Promise<unknown> =>
      send(new aws.DeleteLayerVersionCommand({ LayerName: "layer", VersionNumber }));
    like("get_fn_config_result", await send(new aws.GetFunctionConfigurationCommand({ FunctionName })));
    const first = await publish("1");
    const arn = first.LayerVersionArn ?? "";
    like("publish_result", first);
    like("publish_result_2", await publish("1"));
    like("update_fn_config", await send(new aws.UpdateFunctionConfigurationCommand({ FunctionName, Layers: [arn] })));
    await aws.waitUntilFunctionUpdatedV2({ client: functions.lambda, ...WAIT }, { FunctionName });
    like("get_fn_config", await send(new aws.GetFunctionConfigurationCommand({ FunctionName })));
    const one = { LayerName: "layer", VersionNumber: 1 };
    like("get_layer_ver_result", await send(new aws.GetLayerVersionCommand(one)));
    like("get_layer_by_arn_version", await send(new aws.GetLayerVersionByArnCommand({ Arn: arn })));
    like("list_layer_versions_predelete", await list());
    like("delete_layer_1", await remove(1));
    like("get_fn_config_postdelete", await send(new aws.GetFunctionConfigurationCommand({ FunctionName })));
    like("delete_layer_2", await remove(2));
    like("list_layer_versions_postdelete", await list());
    like("publish_result_3", await publish("1"));
  });

  it("revisions", async ({ expect }) => {
    const expected = recorded("TestLambdaRevisions.test_function_revisions_basic");
    const create = new aws.CreateFunctionCommand({
      FunctionName: "rev",
      Role: ROLE,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Timeout: 30,
      Environment: { Variables: {} },
      Code: { ZipFile: await zipOf({ a: "" }) },
    });
    const like = (response: Json | undefined): Json =>
      JSON.parse(JSON.stringify(response).replaceAll("python3.12", "nodejs24.x")) as Json;
    expect(
      difference(
        like((expected["create_function_response_rev1"] as Record<string, Json>)["CreateFunctionResponse"]),
        await send(create),
      ),
    ).toBeNull();
    await aws.waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName: "rev" });
    expect(
      difference(
        like(expected["get_function_response_rev2"]),
        await send(new aws.GetFunctionCommand({ FunctionName: "rev" })),
      ),
    ).toBeNull();
    const wrong = await refused(
      send(
        new aws.UpdateFunctionCodeCommand({
          FunctionName: "rev",
          RevisionId: "wrong",
          ZipFile: await zipOf({ a: "" }),
        }),
      ),
    );
    expect(wrong).toEqual(expectedError(expected["update_function_revision_exception"]));
    const updated = await send(
      new aws.UpdateFunctionCodeCommand({ FunctionName: "rev", ZipFile: await zipOf({ b: "" }) }),
    );
    expect(difference(like(expected["update_function_code_response_rev3"]), updated)).toBeNull();
  });

  it("aliases and their refusals", async ({ expect }) => {
    const expected = recorded("TestLambdaAlias.test_notfound_and_invalid_routingconfigs");
    const name = await functions.create(
      { "index.mjs": "export const handler = () => 1;" },
      { FunctionName: "aliased" },
    );
    await functions.publish(name);
    await send(new aws.UpdateFunctionConfigurationCommand({ FunctionName: name, Timeout: 9 }));
    await aws.waitUntilFunctionUpdatedV2({ client: functions.lambda, ...WAIT }, { FunctionName: name });
    await functions.publish(name);
    const create = (input: Partial<aws.CreateAliasCommandInput>): Promise<unknown> =>
      send(new aws.CreateAliasCommand({ FunctionName: name, Name: "custom", FunctionVersion: "1", ...input }));
    const cases: ReadonlyArray<readonly [string, Partial<aws.CreateAliasCommandInput>]> = [
      ["routing_config_exc_toomany", { RoutingConfig: { AdditionalVersionWeights: { "1": 0.1, "2": 0.1 } } }],
      ["routing_config_exc_toohigh", { RoutingConfig: { AdditionalVersionWeights: { "2": 2 } } }],
      ["routing_config_exc_subzero", { RoutingConfig: { AdditionalVersionWeights: { "2": -1 } } }],
      ["routing_config_exc_sameversion", { RoutingConfig: { AdditionalVersionWeights: { "1": 0.5 } } }],
      [
        "target_version_doesnotexist",
        { FunctionVersion: "10", RoutingConfig: { AdditionalVersionWeights: { "2": 0.5 } } },
      ],
      ["routing_config_exc_version_doesnotexist", { RoutingConfig: { AdditionalVersionWeights: { "10": 0.5 } } }],
      [
        "target_version_exc_version_latest",
        { FunctionVersion: "$LATEST", RoutingConfig: { AdditionalVersionWeights: { "1": 0.5 } } },
      ],
      ["routing_config_exc_version_latest", { RoutingConfig: { AdditionalVersionWeights: { $LATEST: 0.5 } } }],
    ];
    for (const [step, input] of cases) {
      const [given, wanted] = [await refused(create(input)), expectedError(expected[step])];
      expect(difference(wanted, given), step).toBeNull();
    }
    expect(
      difference(
        expected["create_alias_response"] ?? null,
        await create({ RoutingConfig: { AdditionalVersionWeights: { "2": 0.5 } } }),
      ),
    ).toBeNull();
    expect(
      difference(expectedError(expected["routing_config_exc_already_exist"]), await refused(create({}))),
    ).toBeNull();
    expect(
      difference(
        expectedError(expected["alias_does_not_exist_esc"]),
        await refused(send(new aws.GetAliasCommand({ FunctionName: name, Name: "non-existent" }))),
      ),
    ).toBeNull();
  });

  it("operations on a function that is not there", async ({ expect }) => {
    const operations = {
      delete_function: aws.DeleteFunctionCommand,
      get_function: aws.GetFunctionCommand,
      get_function_configuration: aws.GetFunctionConfigurationCommand,
    };
    for (const [operation, Command] of Object.entries(operations)) {
      const wanted = expectedError(
        recorded("TestLambdaFunction.test_ops_on_nonexisting_fn", operation)["not_found_exception"],
      );
      expect(difference(wanted, await refused(send(new Command({ FunctionName: "none" })))), operation).toBeNull();
    }
  });

  it("tags", async ({ expect }) => {
    const expected = recorded("TestLambdaTag.test_tag_lifecycle");
    await functions.create({ "index.mjs": "" }, { FunctionName: "tagged" });
    const Resource = "arn:aws:lambda:us-east-1:000000000000:function:tagged";
    const steps: ReadonlyArray<readonly [string, Readonly<Record<string, string>> | readonly string[]]> = [
      ["tag_single", { A: "tag-a" }],
      ["tag_multiple", { B: "tag-b", C: "tag-c" }],
      ["tag_overlap", { C: "tag-c-newsuffix", D: "tag-d" }],
      ["untag_single", ["A"]],
      ["untag_multiple", ["B", "C"]],
      ["untag_nonexisting", ["F"]],
      ["untag_existing_and_nonexisting", ["D", "F"]],
    ];
    for (const [step, change] of steps) {
      if (Array.isArray(change)) await send(new aws.UntagResourceCommand({ Resource, TagKeys: [...change] }));
      else await send(new aws.TagResourceCommand({ Resource, Tags: change as Record<string, string> }));
      const { Tags } = await send<aws.ListTagsCommandOutput>(new aws.ListTagsCommand({ Resource }));
      expect(Tags, step).toEqual(expected[`${step}_response_listtags`]?.["Tags"]);
    }
  });

  it("listed functions and versions: a subset, without states", async ({ expect }) => {
    const expected = recorded("TestLambdaFunction.test_list_functions");
    const name = await functions.create(
      { "index.mjs": "" },
      { FunctionName: "a-listed", Environment: { Variables: {} } },
    );
    await functions.publish(name);
    const members = (response: Json | undefined): string[] =>
      Object.keys((response as unknown as { Functions: object[] }).Functions[0] ?? {})
        .filter((member) => !["Layers", "VpcConfig"].includes(member))
        .toSorted();
    const listed = await send<aws.ListFunctionsCommandOutput>(new aws.ListFunctionsCommand({}));
    expect(Object.keys(listed.Functions?.[0] ?? {}).toSorted()).toEqual(members(expected["list_default"]));
    const versions = await send<aws.ListVersionsByFunctionCommandOutput>(
      new aws.ListVersionsByFunctionCommand({ FunctionName: name }),
    );
    for (const version of versions.Versions ?? [])
      expect(Object.keys(version).toSorted()).toEqual(members(expected["list_all"]));
  });

  it("refusals of names, runtimes, objects, aliases and tags", async ({ expect }) => {
    const name = await functions.create({ "index.mjs": "" }, { FunctionName: "refusals" });
    const create = async (input: Partial<aws.CreateFunctionCommandInput>): Promise<unknown> =>
      send(
        new aws.CreateFunctionCommand({
          FunctionName: "never",
          Role: ROLE,
          Runtime: "nodejs24.x",
          Handler: "index.handler",
          Code: { ZipFile: await zipOf({ a: "" }) },
          ...input,
        }),
      );
    const update = (input: Partial<aws.UpdateFunctionConfigurationCommandInput>): Promise<unknown> =>
      send(new aws.UpdateFunctionConfigurationCommand({ FunctionName: name, ...input }));
    await functions.admin("PUT", "objects/a-bucket/a-key", Buffer.from("x"));
    const tag = (kind: string): Promise<unknown> =>
      send(new aws.TagResourceCommand({ Resource: `arn:aws:lambda:us-east-1:000000000000:${kind}`, Tags: { a: "b" } }));
    const code = "TestLambdaFunction.test_lambda_code_location_s3_errors";
    const cases: ReadonlyArray<readonly [string, string, string, () => Promise<unknown>]> = [
      [
        "TestLambdaFunction.test_function_arns",
        "-",
        "function_arn_other_region_exc",
        () => create({ FunctionName: "arn:aws:lambda:ap-southeast-1:000000000000:function:x" }),
      ],
      [
        "TestLambdaFunction.test_function_arns",
        "-",
        "long_function_name_exc",
        () => create({ FunctionName: "a".repeat(65) }),
      ],
      ["TestLambdaFunction.test_update_lambda_exceptions", "-", "invalid_role_arn_exc", () => update({ Role: "r1" })],
      [
        "TestLambdaFunction.test_update_lambda_exceptions",
        "-",
        "invalid_runtime_exc",
        () => update({ Runtime: "non-existent-runtime" as "nodejs24.x" }),
      ],
      [
        "TestLambdaFunction.test_update_lambda_exceptions",
        "-",
        "uppercase_runtime_exc",
        () => update({ Runtime: "PYTHON3.9" as "nodejs24.x" }),
      ],
      [code, "-", "create-error-wrong-bucket", () => create({ Code: { S3Bucket: "no-bucket", S3Key: "k" } })],
      [code, "-", "create-error-wrong-key", () => create({ Code: { S3Bucket: "a-bucket", S3Key: "k" } })],
      [
        "TestLambdaSizeLimits.test_oversized_zipped_create_lambda",
        "-",
        "invalid_param_exc",
        () => create({ Code: { ZipFile: Buffer.alloc(52_428_801) } }),
      ],
      [
        "TestLambdaAlias.test_non_existent_alias_update",
        "-",
        "update_alias_response",
        () => send(new aws.UpdateAliasCommand({ FunctionName: name, Name: "non-existent" })),
      ],
      [
        "TestLambdaTag.test_tag_exceptions",
        "lambda_function",
        "aliased_arn_exception",
        () => tag(`function:${name}:alias`),
      ],
      ["TestLambdaTag.test_tag_exceptions", "lambda_function", "not_found_exception_tag", () => tag("function:never")],
      [
        "TestLambdaTag.test_tag_exceptions",
        "event_source_mapping",
        "not_found_exception_tag",
        () => tag("event-source-mapping:00000000-0000-0000-0000-000000000000"),
      ],
      [
        "TestLambdaTag.test_tag_exceptions",
        "capacity_provider",
        "not_found_exception_tag",
        () => tag("capacity-provider:mine"),
      ],
    ];
    for (const [file, parameter, step, answer] of cases)
      expect
        .soft(difference(expectedError(recorded(file, parameter)[step]), await refused(answer())), `${file} ${step}`)
        .toBeNull();
    const stranger = await refused(create({ FunctionName: "arn:aws:lambda:us-east-1:123456789012:function:x" }));
    expect(stranger).toMatchObject({ Code: "AccessDeniedException", status: 403 });
  });

  it("an accepted event has no version in its answer; its context must be an object", async ({ expect }) => {
    const name = await functions.create(
      { "index.mjs": "export const handler = async () => process.env._X_AMZN_TRACE_ID;" },
      { FunctionName: "accepted" },
    );
    const accepted = await send<aws.InvokeCommandOutput>(
      new aws.InvokeCommand({ FunctionName: name, InvocationType: "Event" }),
    );
    expect(accepted).toMatchObject({ StatusCode: 202 });
    expect(accepted.ExecutedVersion).toBeUndefined();
    const context = await refused(send(new aws.InvokeCommand({ FunctionName: name, ClientContext: "%%%" })));
    expect(context).toEqual({
      Code: "InvalidRequestContentException",
      Message: "Client context must be a valid Base64-encoded JSON object.",
      status: 400,
    });
    expect((await functions.invoke(name)).payload).toMatch(
      /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=1:[0-9a-f]{8}:0$/,
    );
  });

  it("a version named by mistake is not taken for $LATEST", async ({ expect }) => {
    const name = await functions.create({ "index.mjs": "" }, { FunctionName: "changed", Timeout: 10 });
    const version = await functions.publish(name);
    const FunctionName = `${name}:${version}`;
    const changes = [
      new aws.UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9 }),
      new aws.UpdateFunctionCodeCommand({ FunctionName, ZipFile: await zipOf({ b: "" }) }),
      new aws.PublishVersionCommand({ FunctionName }),
    ];
    for (const change of changes)
      expect(await refused(send(change))).toMatchObject({ Code: "InvalidParameterValueException", status: 400 });
    expect(await send(new aws.GetFunctionConfigurationCommand({ FunctionName: name }))).toMatchObject({ Timeout: 10 });
  });

  it("log levels go with JSON only", async ({ expect }) => {
    const name = await functions.create(
      { "index.mjs": "" },
      { FunctionName: "levels", LoggingConfig: { LogFormat: "JSON", ApplicationLogLevel: "DEBUG" } },
    );
    const update = (LoggingConfig: aws.LoggingConfig): Promise<aws.UpdateFunctionConfigurationCommandOutput> =>
      send(new aws.UpdateFunctionConfigurationCommand({ FunctionName: name, LoggingConfig }));
    expect(await refused(update({ LogFormat: "Text", SystemLogLevel: "WARN" }))).toMatchObject({
      Code: "InvalidParameterValueException",
      Message: expect.stringContaining('LogLevel is not supported when LogFormat is set to "Text"'),
    });
    expect((await update({ LogFormat: "Text" })).LoggingConfig).toEqual({
      LogFormat: "Text",
      LogGroup: "/aws/lambda/levels",
    });
  });

  it("answers in AWS's form where the address makes no sense", async ({ expect }) => {
    for (const path of ["/%zz", "/_thaw/v1/%zz"]) {
      const answer = await fetch(`${functions.server.endpoint}${path}`);
      expect([answer.status, answer.headers.get("x-amzn-errortype"), await answer.json()]).toEqual([
        400,
        "InvalidRequestContentException",
        { message: expect.stringContaining("not a valid url"), Type: "User" },
      ]);
    }
  });

  it("names an operation that is not there yet, and refuses wrong signatures", async ({ expect }) => {
    const scaling = new aws.GetFunctionScalingConfigCommand({ FunctionName: "f", Qualifier: "1" });
    expect(await refused(send(scaling))).toMatchObject({
      Code: "NotImplementedException",
      status: 400,
      Message: expect.stringContaining("GetFunctionScalingConfig"),
    });
    const stranger = (accessKeyId: string, secretAccessKey: string): aws.LambdaClient =>
      new aws.LambdaClient({
        endpoint: functions.server.endpoint,
        region: "us-east-1",
        credentials: { accessKeyId, secretAccessKey },
        maxAttempts: 1,
      });
    const known = functions.server.env["AWS_ACCESS_KEY_ID"] ?? "";
    expect(await refused(stranger(known, "wrong").send(new aws.ListFunctionsCommand({})))).toMatchObject({
      Code: "InvalidSignatureException",
      status: 403,
    });
    expect(await refused(stranger("AKIANOBODY", "x").send(new aws.ListFunctionsCommand({})))).toMatchObject({
      Code: "UnrecognizedClientException",
      status: 403,
    });
  });
});

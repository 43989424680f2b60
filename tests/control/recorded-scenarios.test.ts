/** Whole scenarios recorded on AWS, request by request; the requests are those that such answers belong to. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { type Input, Replay, toRequest } from "./replay.ts";

let harness: HttpHarness;
beforeAll(async () => {
  harness = await HttpHarness.start({
    functions: { good: { handle: () => "1" }, other: { handle: () => "2" } },
  });
});
afterAll(() => harness[Symbol.asyncDispose]());

const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const GOOD = Buffer.from("good").toString("base64");
const wanted = (FunctionName: string, others: Input = {}): Input => ({
  FunctionName,
  Role: "arn:aws:iam::000000000000:role/r",
  Runtime: "python3.12",
  Handler: "handler.handler",
  Timeout: 30,
  Environment: { Variables: {} },
  Code: { ZipFile: GOOD },
  ...others,
});

const REVISIONS = "test_lambda_api.TestLambdaRevisions";
describe("revisions", () => {
  it("change with each state of the function", async () => {
    const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_basic`);
    const FunctionName = "basic";
    const handler = { Handler: "index.handler" };
    await replay.send("CreateFunction", wanted(FunctionName, handler), "create_function_response_rev1");
    await replay.send("GetFunction", { FunctionName }, "get_function_response_rev2");
    const code = { FunctionName, ZipFile: GOOD };
    await replay.send("UpdateFunctionCode", { ...code, RevisionId: "wrong" }, "update_function_revision_exception");
    await replay.send("UpdateFunctionCode", code, "update_function_code_response_rev3");
    await replay.send("GetFunction", { FunctionName }, "get_function_response_rev4");
    const wrong = { FunctionName, Runtime: "python3.8", RevisionId: "wrong" };
    await replay.send("UpdateFunctionConfiguration", wrong, "update_function_configuration_revision_exception");
    const right = { FunctionName, Runtime: "python3.8" };
    await replay.send("UpdateFunctionConfiguration", right, "update_function_configuration_response_rev5");
    await replay.send("GetFunction", { FunctionName }, "get_function_response_rev6");
  });

  it("of versions and aliases are their own, and a publish gives $LATEST a new one", async () => {
    const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_version_and_alias`);
    const FunctionName = "branches";
    await replay.send("CreateFunction", wanted(FunctionName), "create_function_response_rev1");
    await replay.send("GetFunction", { FunctionName }, "get_function_active_rev2");
    await replay.send("PublishVersion", { FunctionName, RevisionId: "wrong" }, "publish_version_revision_exception");
    await replay.send("PublishVersion", { FunctionName }, "publish_version_response_rev_v1");
    const version = { FunctionName, Qualifier: "1" };
    await replay.send("GetFunction", version, "get_function_published_version_rev_v2");
    await replay.send("GetFunction", { FunctionName }, "get_function_latest_rev3");
    const alias = { FunctionName, Name: "revision_alias" };
    await replay.send("CreateAlias", { ...alias, FunctionVersion: "1" }, "create_alias_response_rev_a1");
    await replay.send("GetFunction", { FunctionName }, "get_function_latest_rev4");
    await replay.send("GetFunction", version, "get_function_published_version_rev_v3");
    await replay.send("UpdateAlias", { ...alias, RevisionId: "wrong" }, "update_alias_revision_exception");
    await replay.send("UpdateAlias", { ...alias, Description: "something changed" }, "update_alias_response_rev_a2");
  });
});

describe("tags", () => {
  it("are there from the function's creation", async () => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaTag.test_create_tag_on_fn_create");
    const FunctionName = "tagged";
    await replay.send("CreateFunction", wanted(FunctionName, { Tags: { testtag: "a-tag" } }));
    await replay.send("GetFunction", { FunctionName }, "get_function_result");
    await replay.send("ListTags", { Resource: `${ARN}${FunctionName}` }, "list_tags_result");
  });

  it("change the revision with each change", async () => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaTags.test_tag_lifecycle");
    const FunctionName = "retagged";
    const Resource = `${ARN}${FunctionName}`;
    await replay.send("CreateFunction", wanted(FunctionName, { Tags: { key_a: "value_a" } }));
    const look = async (name: string): Promise<void> => {
      await replay.send("ListTags", { Resource }, `list_tags_response_${name}`);
      await replay.send("GetFunction", { FunctionName }, `get_fn_response_${name}`);
    };
    await look("postfncreate");
    const Tags = { key_b: "value_b", key_c: "value_c", key_d: "value_d", key_e: "value_e" };
    await replay.send("TagResource", { Resource, Tags }, "tag_resource_response");
    await look("postaddtags");
    await replay.send("TagResource", { Resource, Tags: { key_c: "value_x" } }, "tag_resource_overwrite");
    await look("overwrite");
    await replay.send("UntagResource", { Resource, TagKeys: ["key_c", "key_d"] });
    await look("postuntag");
    await replay.send("UntagResource", { Resource, TagKeys: ["key_a", "key_b", "key_e"] });
    await look("postuntagall");
    await replay.send("DeleteFunction", { FunctionName });
    await replay.send("ListTags", { Resource }, "list_tags_postdelete");
  });

  it("are at most 50", async () => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaTags.test_tag_limits");
    const FunctionName = "much-tagged";
    const Resource = `${ARN}${FunctionName}`;
    const tags = (count: number): Input =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index}_key`, `${index}_value`]));
    await replay.send("CreateFunction", wanted(FunctionName));
    await replay.send("TagResource", { Resource, Tags: tags(51) }, "tag_lambda_too_many_tags");
    await replay.send("TagResource", { Resource, Tags: tags(50) }, "tag_response");
    await replay.send("ListTags", { Resource }, "list_tags_response");
    await replay.send("GetFunction", { FunctionName }, "get_fn_response");
    await replay.send("TagResource", { Resource, Tags: { a_key: "a_value" } }, "tag_lambda_too_many_tags_additional");
    await replay.send("CreateFunction", wanted("never", { Tags: tags(51) }), "create_function_invalid_tags");
  });
});

describe("names", () => {
  it.for([
    ["get_function", "GetFunction"],
    ["get_function_configuration", "GetFunctionConfiguration"],
    ["get_function_url_config", "GetFunctionUrlConfig"],
    ["get_function_code_signing_config", "GetFunctionCodeSigningConfig"],
    ["get_function_event_invoke_config", "GetFunctionEventInvokeConfig"],
    ["get_function_concurrency", "GetFunctionConcurrency"],
    ["delete_function", "DeleteFunction"],
    ["invoke", "Invoke"],
  ] as const)("of another region are not reachable: %s", async ([parameter, operation]) => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaFunction.test_get_function_wrong_region", parameter);
    const FunctionName = "arn:aws:lambda:eu-central-1:000000000000:function:f";
    await replay.send(operation, { FunctionName }, "wrong_region_exception");
  });

  it("are taken as a name, a part of an ARN or a whole one", async () => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaFunction.test_function_arns");
    await replay.send("CreateFunction", wanted(`${ARN}by-arn`), "create-function-arn-response");
    await replay.send(
      "CreateFunction",
      wanted("000000000000:function:by-part", { Code: { ZipFile: Buffer.from("other").toString("base64") } }),
      "create-function-partial-arn-response",
    );
    const refused: ReadonlyArray<readonly [string, string]> = [
      ["invalid:function:name", "invalid_function_name_exc"],
      ["a".repeat(65), "long_function_name_exc"],
      [`${ARN}${"a".repeat(141 - ARN.length)}`, "long_function_arn_exc"],
      ["arn:aws:lambda:ap-southeast-1:000000000000:function:x", "function_arn_other_region_exc"],
    ];
    for (const [name, step] of refused) await replay.send("CreateFunction", wanted(name), step);
  });
});

it("concurrency is reserved, shown and let go", async () => {
  const replay = new Replay(harness, "test_lambda.TestLambdaConcurrency.test_lambda_concurrency_crud");
  const FunctionName = "reserved";
  await replay.send("CreateFunction", wanted(FunctionName));
  await replay.send("GetFunctionConcurrency", { FunctionName }, "get_function_concurrency_default");
  await replay.send(
    "PutFunctionConcurrency",
    { FunctionName, ReservedConcurrentExecutions: 0 },
    "put_function_concurrency",
  );
  await replay.send("GetFunctionConcurrency", { FunctionName }, "get_function_concurrency_updated");
  await replay.send("DeleteFunctionConcurrency", { FunctionName });
  await replay.send("GetFunctionConcurrency", { FunctionName }, "get_function_concurrency_deleted");
});

describe("versions", () => {
  const stateOf = ({ State, Version, FunctionArn }: Record<string, unknown>): readonly unknown[] => [
    State,
    Version,
    FunctionArn,
  ];

  it("are Active at once, and Pending first where Publish makes them", async ({ expect }) => {
    const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_basic`);
    const arn = `${ARN}published`;
    const FunctionName = "published";
    const created = await replay.send("CreateFunction", wanted(FunctionName, { Publish: true }));
    expect(stateOf(created)).toEqual(["Pending", "1", arn]);
    const version = await replay.send("GetFunctionConfiguration", { FunctionName, Qualifier: "1" });
    expect(stateOf(version)).toEqual(["Active", "1", `${arn}:1`]);
    expect(version["RevisionId"]).not.toBe(created["RevisionId"]);
    const same = await replay.send("PublishVersion", { FunctionName, Description: "once more" });
    expect([...stateOf(same), same["RevisionId"]]).toEqual(["Active", "1", `${arn}:1`, version["RevisionId"]]);
  });

  it("are made of a change of the description alone, and not of the version's own description", async ({ expect }) => {
    const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_basic`);
    const FunctionName = "described";
    await replay.send("CreateFunction", wanted(FunctionName));
    const publish = async (Description?: string): Promise<readonly unknown[]> => {
      const input = { FunctionName, ...(Description === undefined ? {} : { Description }) };
      const made = await replay.send("PublishVersion", input);
      return [made["Version"], made["Description"]];
    };
    expect(await publish("first")).toEqual(["1", "first"]);
    expect(await publish("second")).toEqual(["1", "first"]);
    await replay.send("UpdateFunctionConfiguration", { FunctionName, Description: "changed" });
    expect(await publish()).toEqual(["2", "changed"]);
    expect(await publish("third")).toEqual(["2", "changed"]);
  });

  it("show by an alias as the version's own ARN", async ({ expect }) => {
    const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_basic`);
    const FunctionName = "aliased";
    await replay.send("CreateFunction", wanted(FunctionName, { Publish: true }));
    await replay.send("CreateAlias", { FunctionName, Name: "live", FunctionVersion: "1" });
    const { Configuration } = await replay.send("GetFunction", { FunctionName, Qualifier: "live" });
    expect(stateOf(Configuration as Record<string, unknown>)).toEqual(["Active", "1", `${ARN}aliased:1`]);
  });
});

const SIGNING = "test_lambda_api.TestCodeSigningConfig";
describe("code signing configurations", () => {
  const publisher = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/test";
  const config = (UntrustedArtifactOnDeployment: string): Input => ({
    Description: "Testing CodeSigning Config",
    AllowedPublishers: { SigningProfileVersionArns: [publisher] },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment },
  });
  const create = async (replay: Replay, step?: string): Promise<string> => {
    const made = await replay.send("CreateCodeSigningConfig", config("Enforce"), step);
    return (made["CodeSigningConfig"] as { readonly CodeSigningConfigArn: string }).CodeSigningConfigArn;
  };

  it("are made, changed, given to a function and taken from it", async () => {
    const replay = new Replay(harness, `${SIGNING}.test_function_code_signing_config`);
    const FunctionName = "signed";
    await replay.send("CreateFunction", wanted(FunctionName));
    const CodeSigningConfigArn = await create(replay, "create_code_signing_config");
    const warn = { CodeSigningConfigArn, CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Warn" } };
    await replay.send("UpdateCodeSigningConfig", warn, "update_code_signing_config");
    await replay.send("GetCodeSigningConfig", { CodeSigningConfigArn }, "get_code_signing_config");
    const own = { CodeSigningConfigArn, FunctionName };
    await replay.send("PutFunctionCodeSigningConfig", own, "put_function_code_signing_config");
    await replay.send("GetFunctionCodeSigningConfig", { FunctionName }, "get_function_code_signing_config");
    const listed = { CodeSigningConfigArn };
    await replay.send("ListFunctionsByCodeSigningConfig", listed, "list_functions_by_code_signing_config");
    await replay.send("DeleteFunctionCodeSigningConfig", { FunctionName }, "delete_function_code_signing_config");
    await replay.send("DeleteCodeSigningConfig", { CodeSigningConfigArn }, "delete_code_signing_config");
  });

  it("that are not there are refused", async () => {
    const replay = new Replay(harness, `${SIGNING}.test_code_signing_not_found_excs`);
    const FunctionName = "unsigned";
    const nobody = { FunctionName: "csc-test-doesnotexist" };
    await replay.send("CreateFunction", wanted(FunctionName));
    const CodeSigningConfigArn = await create(replay, "create_code_signing_config");
    const wrong = { CodeSigningConfigArn: `${CodeSigningConfigArn.slice(0, -1)}x` };
    await replay.send("DeleteCodeSigningConfig", wrong, "delete_csc_notfound");
    await replay.send("DeleteFunctionCodeSigningConfig", { FunctionName }, "nothing_to_delete_response");
    await replay.send("DeleteFunctionCodeSigningConfig", nobody, "delete_function_csc_fnnotfound");
    const put = "PutFunctionCodeSigningConfig";
    await replay.send(put, { CodeSigningConfigArn, ...nobody }, "put_function_csc_invalid_fnname");
    await replay.send(put, { ...wrong, FunctionName }, "put_function_csc_invalid_csc_arn");
    await replay.send(put, { ...wrong, ...nobody }, "put_function_csc_invalid_both");
    const described = { ...wrong, Description: "new-description" };
    await replay.send("UpdateCodeSigningConfig", described, "update_csc_invalid_csc_arn");
    await replay.send("UpdateCodeSigningConfig", wrong, "update_csc_noupdates");
    await replay.send("UpdateCodeSigningConfig", { CodeSigningConfigArn }, "update_csc_noupdate_response");
    await replay.send("GetCodeSigningConfig", wrong, "get_csc_invalid");
    await replay.send("GetFunctionCodeSigningConfig", { FunctionName }, "get_function_csc_fnwithoutcsc");
    await replay.send("GetFunctionCodeSigningConfig", nobody, "get_function_csc_nonexistingfn");
    const list = "ListFunctionsByCodeSigningConfig";
    await replay.send(list, { CodeSigningConfigArn }, "list_functions_by_csc_fnwithoutcsc");
    await replay.send(list, wrong, "list_functions_by_csc_invalid_cscarn");
  });

  it("under Enforce let no package in, as nobody can check a signature here; under Warn all", async ({ expect }) => {
    const replay = new Replay(harness, `${SIGNING}.test_function_code_signing_config`);
    const CodeSigningConfigArn = await create(replay);
    const statusOf = async (...request: Parameters<typeof toRequest>): Promise<readonly unknown[]> => {
      const response = await harness.fetch(...toRequest(...request));
      await harness.control.advance(0);
      return [response.status, response.headers.get("x-amzn-errortype")];
    };
    const refused = [400, "CodeVerificationFailedException"];
    expect(await statusOf("CreateFunction", wanted("enforced", { CodeSigningConfigArn }))).toEqual(refused);
    await replay.send("CreateFunction", wanted("enforced"));
    await replay.send("PutFunctionCodeSigningConfig", { CodeSigningConfigArn, FunctionName: "enforced" });
    const code = { FunctionName: "enforced", ZipFile: GOOD };
    expect(await statusOf("UpdateFunctionCode", code)).toEqual(refused);
    expect(await statusOf("DeleteCodeSigningConfig", { CodeSigningConfigArn })).toEqual([
      409,
      "ResourceConflictException",
    ]);
    await replay.send("UpdateCodeSigningConfig", { CodeSigningConfigArn, ...config("Warn") });
    await replay.send("UpdateFunctionCode", code);
    await replay.send("TagResource", { Resource: CodeSigningConfigArn, Tags: { a: "b" } });
    expect(await replay.send("ListTags", { Resource: CodeSigningConfigArn })).toEqual({ Tags: { a: "b" } });
    await replay.send("CreateFunction", wanted("warned", { CodeSigningConfigArn }));
    expect(await replay.send("GetFunctionCodeSigningConfig", { FunctionName: "warned" })).toEqual({
      CodeSigningConfigArn,
      FunctionName: "warned",
    });
  });
});

describe("settings that are only kept", () => {
  it("runtime management, for each version", async ({ expect }) => {
    const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_basic`);
    const FunctionName = "managed";
    await replay.send("CreateFunction", wanted(FunctionName, { Publish: true }));
    expect(await replay.send("GetRuntimeManagementConfig", { FunctionName })).toEqual({
      UpdateRuntimeOn: "Auto",
      FunctionArn: `${ARN}managed`,
    });
    const RuntimeVersionArn = `arn:aws:lambda:us-east-1::runtime:${"0".repeat(64)}`;
    const manual = { UpdateRuntimeOn: "Manual", RuntimeVersionArn };
    const answer = { ...manual, FunctionArn: `${ARN}managed:1` };
    const version = { FunctionName, Qualifier: "1" };
    expect(await replay.send("PutRuntimeManagementConfig", { ...version, ...manual })).toEqual(answer);
    expect(await replay.send("GetRuntimeManagementConfig", version)).toEqual(answer);
    await replay.send("PutRuntimeManagementConfig", { FunctionName, UpdateRuntimeOn: "FunctionUpdate" });
    expect(await replay.send("GetRuntimeManagementConfig", { FunctionName })).toMatchObject({
      UpdateRuntimeOn: "FunctionUpdate",
    });
  });

  it("the network, until two empty lists take it away", async ({ expect }) => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaFunction.test_invalid_vpc_config_security_group");
    const FunctionName = "networked";
    const VpcConfig = { SubnetIds: ["subnet-1"], SecurityGroupIds: ["sg-1"] };
    const shown = { ...VpcConfig, VpcId: expect.stringMatching(/^vpc-[0-9a-f]{17}$/), Ipv6AllowedForDualStack: false };
    expect(await replay.send("CreateFunction", wanted(FunctionName, { VpcConfig }))).toMatchObject({
      VpcConfig: shown,
    });
    expect(await replay.send("ListVersionsByFunction", { FunctionName })).toMatchObject({
      Versions: [{ VpcConfig: shown }],
    });
    const none = { SubnetIds: [], SecurityGroupIds: [] };
    expect(await replay.send("UpdateFunctionConfiguration", { FunctionName, VpcConfig: none })).toMatchObject({
      VpcConfig: { ...none, VpcId: "", Ipv6AllowedForDualStack: false },
    });
    const wrong = wanted("never", { VpcConfig: { SubnetIds: ["subnet-1"], SecurityGroupIds: ["wrong"] } });
    await replay.send("CreateFunction", wrong, "create-response-invalid-format-security-group");
  });
});

it("a recursion setting is one of two, in AWS's order", async () => {
  const replay = new Replay(
    harness,
    "test_lambda_api.TestLambdaRecursion.test_put_function_recursion_config_invalid_value",
  );
  const wrong = { FunctionName: "f", RecursiveLoop: "InvalidValue" };
  await replay.send("PutFunctionRecursionConfig", wrong, "put_recursion_invalid_value_error");
});

describe("refusals of AWS that no recording here has", () => {
  it.for([
    ["CreateEventSourceMapping", { FunctionName: "f" }, "InvalidParameterValueException", "Unrecognized event source."],
    [
      "CreateEventSourceMapping",
      { FunctionName: "nobody", EventSourceArn: "arn:aws:sqs:us-east-1:000000000000:queue" },
      "InvalidParameterValueException",
      "Function does not exist",
    ],
    [
      "UpdateEventSourceMapping",
      { UUID: "00000000-0000-0000-0000-000000000000", Enabled: false },
      "ResourceNotFoundException",
      "The resource you requested does not exist.",
    ],
    ["Invoke", { FunctionName: "nobody" }, "ResourceNotFoundException", `Function not found: ${ARN}nobody:$LATEST`],
    ["Invoke", { FunctionName: "nobody:3" }, "ResourceNotFoundException", `Function not found: ${ARN}nobody:3`],
    ...(["CreateAlias", "UpdateAlias", "DeleteAlias", "PublishVersion", "UpdateFunctionConfiguration"] as const).map(
      (operation) =>
        [
          operation,
          { FunctionName: "f:3", ...(operation.endsWith("Alias") ? { Name: "a", FunctionVersion: "1" } : {}) },
          "InvalidParameterValueException",
          "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
        ] as const,
    ),
    [
      "DeleteFunction",
      { FunctionName: "nobody", Qualifier: "$LATEST" },
      "InvalidParameterValueException",
      "$LATEST version cannot be deleted without deleting the function.",
    ],
    [
      "DeleteFunction",
      { FunctionName: "nobody", Qualifier: "3" },
      "ResourceNotFoundException",
      `Function not found: ${ARN}nobody`,
    ],
    [
      "CreateFunction",
      wanted("never", { Environment: { Variables: { LARGE: "x".repeat(4096) } } }),
      "InvalidParameterValueException",
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"LARGE":"${"x".repeat(4096)}"}`,
    ],
    [
      "CreateFunction",
      wanted("never", { Architectures: ["X86_64"] }),
      "ValidationException",
      "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
    ],
    [
      "GetAlias",
      { FunctionName: "f", Name: `${"a".repeat(128)}!` },
      "ValidationException",
      `2 validation errors detected: Value '${"a".repeat(128)}!' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+); Value '${"a".repeat(128)}!' at 'name' failed to satisfy constraint: Member must have length less than or equal to 128`,
    ],
  ] as const)("%s %j", async ([operation, input, code, text], { expect }) => {
    const response = await harness.fetch(...toRequest(operation, input));
    const { message, Message } = (await response.json()) as Record<string, string>;
    expect([response.headers.get("x-amzn-errortype"), message ?? Message]).toEqual([code, text]);
  });
});

it("runtimes that AWS's model has and AWS no longer takes are refused as those that never were", async ({ expect }) => {
  const refusal = async (Runtime: string): Promise<string> => {
    const response = await harness.fetch(...toRequest("CreateFunction", wanted("never", { Runtime })));
    return ((await response.json()) as { readonly message: string }).message;
  };
  const text = await refusal("never-was");
  expect(text).toContain("Value never-was at 'runtime' failed to satisfy constraint");
  for (const gone of ["python3.7", "nodejs14.x", "java8", "go1.x", "provided"])
    expect(await refusal(gone)).toBe(text.replace("never-was", gone));
});

it("provisioned concurrency leaves the account its least, in AWS's words and without a type", async ({ expect }) => {
  const replay = new Replay(harness, `${REVISIONS}.test_function_revisions_basic`);
  const FunctionName = "ahead";
  await replay.send("CreateFunction", wanted(FunctionName, { Publish: true }));
  const { AccountLimit } = await replay.send("GetAccountSettings", {});
  const all = (AccountLimit as { readonly UnreservedConcurrentExecutions: number }).UnreservedConcurrentExecutions;
  const refusal = async (ProvisionedConcurrentExecutions: number): Promise<unknown> => {
    const input = { FunctionName, Qualifier: "1", ProvisionedConcurrentExecutions };
    const response = await harness.fetch(...toRequest("PutProvisionedConcurrencyConfig", input));
    return response.json();
  };
  expect(await refusal(all + 1)).toEqual({
    message: `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${all}].`,
  });
  expect(await refusal(all)).toEqual({
    message:
      "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
  });
});

describe("container images", () => {
  it("have settings of the function's own, which an update replaces and takes away as a whole", async () => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaImages.test_lambda_image_and_image_config_crud");
    const FunctionName = "imaged";
    const Code = { ImageUri: "repository:latest" };
    const of = { FunctionName, Role: "arn:aws:iam::000000000000:role/r", PackageType: "Image", Code };
    const ImageConfig = { EntryPoint: ["sh"], Command: ["-c", "echo test"], WorkingDirectory: "/app1" };
    const Environment = { Variables: { CUSTOM_ENV: "test" } };
    await replay.send("CreateFunction", { ...of, ImageConfig, Environment }, "create-image-with-config-response");
    const look = async (code: string, configuration: string): Promise<void> => {
      await replay.send("GetFunction", { FunctionName }, code);
      await replay.send("GetFunctionConfiguration", { FunctionName }, configuration);
    };
    await look("get-function-code-with-config-response", "get-function-config-with-config-response");
    const update = (own: Input, name: string): Promise<unknown> =>
      replay.send("UpdateFunctionConfiguration", { FunctionName, ImageConfig: own }, name);
    await update({ Command: ["-c", "echo test1"], WorkingDirectory: "/app1" }, "update-function-code-response");
    await look("get-function-code-response-after-update", "get-function-config-response-after-update");
    await update({}, "update-function-code-delete-imageconfig-response");
    await look(
      "get-function-code-response-after-delete-imageconfig",
      "get-function-config-response-after-delete-imageconfig",
    );
  });

  it("do not take the place of a package", async () => {
    const replay = new Replay(harness, "test_lambda_api.TestLambdaImages.test_lambda_zip_file_to_image");
    const FunctionName = "zipped";
    const { Timeout: _t, Environment: _e, ...zip } = wanted(FunctionName);
    await replay.send("CreateFunction", zip, "create-image-response");
    const update = { FunctionName, ImageUri: "repository:latest" };
    await replay.send("GetFunction", { FunctionName }, "get-function-code-response");
    await replay.send("UpdateFunctionCode", update, "zipfile-to-image-error");
    await replay.send("GetFunction", { FunctionName }, "get-function-code-response-after-update");
  });
});

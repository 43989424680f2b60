/** Refusals beside those recorded from AWS: status, code, text, and the members of the body. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LAMBDA, type OperationName } from "@thaw/aws-api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REFUSED } from "@thaw/server/testing/control";
import { HttpHarness } from "./http-harness.ts";
import { type Input, toRequest } from "./replay.ts";

interface Recorded {
  readonly Error: { readonly Code: string; readonly Message: string | null };
  readonly ResponseMetadata: { readonly HTTPStatusCode: number };
}

function recorded(test: string, step: string, parameter: string): Recorded {
  const path = join(
    import.meta.dirname,
    `../recorded/${test.startsWith("test_lambda.") ? test : `test_lambda_api.${test}`}.json`,
  );
  const all = JSON.parse(readFileSync(path, "utf8")) as Record<string, { responses: Record<string, Recorded> }>;
  const found = all[parameter]?.responses[step];
  if (found === undefined) throw new Error(`nothing recorded for ${test} ${parameter} ${step}`);
  return found;
}

let harness: HttpHarness;
beforeAll(async () => {
  harness = await HttpHarness.start({ functions: { good: { handle: () => "1" } } });
  const { control } = harness;
  await control.create("f", "good", { snapStart: false });
  await control.publish("f");
  await control.call("UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("good"), DryRun: true });
  await control.call("UpdateFunctionConfiguration", { FunctionName: "f", Timeout: 5 });
  await control.advance(0);
  await control.publish("f");
  await control.create("reserved", "good", { snapStart: false });
  await control.publish("reserved");
  const provisioned = { FunctionName: "reserved", Qualifier: "1", ProvisionedConcurrentExecutions: 2 };
  await control.call("PutProvisionedConcurrencyConfig", provisioned);
  await control.call("CreateAlias", { FunctionName: "f", Name: "custom", FunctionVersion: "1" });
  await control.call("AddPermission", { ...S3, ...of("custom") });
});
afterAll(() => harness[Symbol.asyncDispose]());

const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const ALIAS = "TestLambdaAlias.test_notfound_and_invalid_routingconfigs";
const PROVISIONED = "TestLambdaProvisionedConcurrency.test_provisioned_concurrency_exceptions";
const CONCURRENCY = "TestLambdaReservedConcurrency.test_function_concurrency_exceptions";
const LIMITS = "TestLambdaReservedConcurrency.test_function_concurrency_limits";
const NO_FUNCTION = "TestLambdaFunction.test_ops_on_nonexisting_fn";
const NO_VERSION = "TestLambdaFunction.test_ops_on_nonexisting_version";
const UPDATE = "TestLambdaFunction.test_update_lambda_exceptions";
const PERMISSIONS = "TestLambdaPermissions.test_permission_exceptions";
const URLS = "TestLambdaUrl.test_url_config_exceptions";
const SIGNING = "TestCodeSigningConfig.test_code_signing_not_found_excs";
const REVISIONS = "TestLambdaRevisions.test_function_revisions_basic";
const routed = (version: string, weights: Readonly<Record<string, number>>): Input => ({
  FunctionName: "f",
  Name: "new",
  FunctionVersion: version,
  RoutingConfig: { AdditionalVersionWeights: weights },
});
const of = (Qualifier: string, FunctionName = "f"): Input => ({ FunctionName, Qualifier });

const NONE = { AuthType: "NONE" };
const URL_CHANGES = [
  ["create_function_url_config", "CreateFunctionUrlConfig"],
  ["update_function_url_config", "UpdateFunctionUrlConfig"],
  ["get_function_url_config", "GetFunctionUrlConfig"],
  ["delete_function_url_config", "DeleteFunctionUrlConfig"],
] as const;
const URL_CASES = URL_CHANGES.flatMap(([step, operation]) =>
  (
    [
      ["name_doesnotexist", { FunctionName: "doesnotexist" }],
      ["arn_doesnotexist", { FunctionName: "arn:aws:lambda:us-east-1:000000000000:function:doesnotexist" }],
      ["name_doesnotexist_qualifier", of("1", "doesnotexist")],
      ["qualifier_version", of("1")],
      ["qualifier_version_doesnotexist", of("2")],
      ["qualifier_alias_doesnotexist", of("doesnotexist")],
      ["qualifier_latest", of("$LATEST")],
      ...(operation === "DeleteFunctionUrlConfig"
        ? []
        : ([["qualifier_alias_doesnotmatch_arn", { FunctionName: "f:custom", Qualifier: "other" }]] as const)),
      ...(operation === "CreateFunctionUrlConfig" ? [] : ([["config_doesnotexist", { FunctionName: "f" }]] as const)),
    ] as const
  ).map(([suffix, input]): readonly [string, string, OperationName, Input] => [
    URLS,
    `${step}_${suffix}`,
    operation,
    operation === "CreateFunctionUrlConfig" || operation === "UpdateFunctionUrlConfig" ? { ...input, ...NONE } : input,
  ]),
);

const S3 = { StatementId: "s3", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" };
const PERMISSION_CASES: ReadonlyArray<readonly [string, string, OperationName, Input]> = [
  [
    PERMISSIONS,
    "add_permission_invalid_statement_id",
    "AddPermission",
    { ...S3, ...of("1"), StatementId: "example.com" },
  ],
  [
    PERMISSIONS,
    "add_permission_fn_qualifier_mismatch",
    "AddPermission",
    { ...S3, FunctionName: "f:a", Qualifier: "b" },
  ],
  [PERMISSIONS, "add_permission_fn_qualifier_latest", "AddPermission", { ...S3, ...of("$LATEST") }],
  [
    PERMISSIONS,
    "add_permission_principal_invalid",
    "AddPermission",
    { ...S3, FunctionName: "f", Principal: "a.nonaws.com" },
  ],
  [PERMISSIONS, "add_permission_fn_doesnotexist", "AddPermission", { ...S3, FunctionName: "doesnotexist" }],
  [PERMISSIONS, "add_permission_fn_alias_doesnotexist", "AddPermission", { ...S3, ...of("alias-doesnotexist") }],
  [PERMISSIONS, "add_permission_fn_version_doesnotexist", "AddPermission", { ...S3, ...of("42") }],
  [
    PERMISSIONS,
    "add_permission_fn_qualifier_invalid",
    "AddPermission",
    { ...S3, ...of("invalid-qualifier-with-?-char") },
  ],
  [
    PERMISSIONS,
    "add_permission_fn_qualifier_valid_doesnotexist",
    "AddPermission",
    { ...S3, ...of("valid-with-$-but-doesnotexist") },
  ],
  [PERMISSIONS, "add_permission_conflicting_statement_id", "AddPermission", { ...S3, ...of("custom") }],
  [PERMISSIONS, "remove_permission_policy_doesnotexist", "RemovePermission", { FunctionName: "f", StatementId: "s3" }],
  [
    PERMISSIONS,
    "remove_permission_fn_doesnotexist",
    "RemovePermission",
    { FunctionName: "doesnotexist", StatementId: "s3" },
  ],
  [
    PERMISSIONS,
    "remove_permission_fn_alias_doesnotexist",
    "RemovePermission",
    { ...of("alias-doesnotexist"), StatementId: "s3" },
  ],
];

const EVENT_CONFIG = "TestLambdaEventInvokeConfig.test_lambda_eventinvokeconfig_lifecycle";
const RECURSION = "TestLambdaRecursion.test_put_function_recursion_config_invalid_value";

/** Test, step, operation, input; and the parameter of the test where it has some. */
const CASES: ReadonlyArray<readonly [string, string, OperationName, Input, string?]> = [
  [EVENT_CONFIG, "get_invokeconfig_postpublish", "GetFunctionEventInvokeConfig", of("1")],
  [
    RECURSION,
    "put_recursion_invalid_value_error",
    "PutFunctionRecursionConfig",
    { FunctionName: "f", RecursiveLoop: "InvalidValue" },
  ],
  [ALIAS, "routing_config_exc_toomany", "CreateAlias", routed("1", { "2": 0.1, "3": 0.2 })],
  [ALIAS, "routing_config_exc_toohigh", "CreateAlias", routed("1", { "2": 2 })],
  [ALIAS, "routing_config_exc_subzero", "CreateAlias", routed("1", { "2": -1 })],
  [ALIAS, "routing_config_exc_sameversion", "CreateAlias", routed("1", { "1": 0.5 })],
  [ALIAS, "target_version_doesnotexist", "CreateAlias", routed("10", { "2": 0.5 })],
  [ALIAS, "routing_config_exc_version_doesnotexist", "CreateAlias", routed("1", { "10": 0.5 })],
  [ALIAS, "target_version_exc_version_latest", "CreateAlias", routed("$LATEST", { "1": 0.5 })],
  [ALIAS, "routing_config_exc_version_latest", "CreateAlias", routed("1", { $LATEST: 0.5 })],
  [ALIAS, "routing_config_exc_fn_doesnotexist", "CreateAlias", { ...routed("1", {}), FunctionName: "f-unknown" }],
  [ALIAS, "routing_config_exc_already_exist", "CreateAlias", { ...routed("1", {}), Name: "custom" }],
  [ALIAS, "alias_does_not_exist_esc", "GetAlias", { FunctionName: "f", Name: "non-existent" }],
  [
    "TestLambdaAlias.test_non_existent_alias_update",
    "update_alias_response",
    "UpdateAlias",
    { FunctionName: "f", Name: "non-existent" },
  ],
  [PROVISIONED, "get_provisioned_config_doesnotexist", "GetProvisionedConcurrencyConfig", of("1")],
  [
    PROVISIONED,
    "get_provisioned_functionname_doesnotexist",
    "GetProvisionedConcurrencyConfig",
    of("noalias", "doesnotexist"),
  ],
  [PROVISIONED, "get_provisioned_qualifier_doesnotexist", "GetProvisionedConcurrencyConfig", of("noalias")],
  [PROVISIONED, "get_provisioned_version_doesnotexist", "GetProvisionedConcurrencyConfig", of("10")],
  [PROVISIONED, "get_provisioned_latest", "GetProvisionedConcurrencyConfig", of("$LATEST")],
  [
    PROVISIONED,
    "list_provisioned_functionname_doesnotexist",
    "ListProvisionedConcurrencyConfigs",
    { FunctionName: "doesnotexist" },
  ],
  [
    PROVISIONED,
    "delete_provisioned_functionname_doesnotexist",
    "DeleteProvisionedConcurrencyConfig",
    of("1", "doesnotexist"),
  ],
  [PROVISIONED, "delete_provisioned_qualifier_doesnotexist", "DeleteProvisionedConcurrencyConfig", of("noalias")],
  [PROVISIONED, "delete_provisioned_version_doesnotexist", "DeleteProvisionedConcurrencyConfig", of("10")],
  [PROVISIONED, "delete_provisioned_latest", "DeleteProvisionedConcurrencyConfig", of("$LATEST")],
  [
    PROVISIONED,
    "put_provisioned_invalid_param_0",
    "PutProvisionedConcurrencyConfig",
    { ...of("1"), ProvisionedConcurrentExecutions: 0 },
  ],
  [
    PROVISIONED,
    "put_provisioned_functionname_doesnotexist_alias",
    "PutProvisionedConcurrencyConfig",
    { ...of("noalias", "doesnotexist"), ProvisionedConcurrentExecutions: 1 },
  ],
  [
    PROVISIONED,
    "put_provisioned_functionname_doesnotexist_version",
    "PutProvisionedConcurrencyConfig",
    { ...of("1", "doesnotexist"), ProvisionedConcurrentExecutions: 1 },
  ],
  [
    PROVISIONED,
    "put_provisioned_qualifier_doesnotexist",
    "PutProvisionedConcurrencyConfig",
    { ...of("doesnotexist"), ProvisionedConcurrentExecutions: 1 },
  ],
  [
    PROVISIONED,
    "put_provisioned_version_doesnotexist",
    "PutProvisionedConcurrencyConfig",
    { ...of("10"), ProvisionedConcurrentExecutions: 1 },
  ],
  [
    PROVISIONED,
    "put_provisioned_latest",
    "PutProvisionedConcurrencyConfig",
    { ...of("$LATEST"), ProvisionedConcurrentExecutions: 1 },
  ],
  [
    CONCURRENCY,
    "put_function_concurrency_with_function_name_doesnotexist",
    "PutFunctionConcurrency",
    { FunctionName: "doesnotexist", ReservedConcurrentExecutions: 1 },
  ],
  [
    CONCURRENCY,
    "put_function_concurrency_with_function_name_doesnotexist_and_invalid_concurrency",
    "PutFunctionConcurrency",
    { FunctionName: "doesnotexist", ReservedConcurrentExecutions: 10_000 },
  ],
  [
    CONCURRENCY,
    "put_function_concurrency_with_qualified_arn",
    "PutFunctionConcurrency",
    { FunctionName: `${ARN}f:1`, ReservedConcurrentExecutions: 1 },
  ],
  [
    LIMITS,
    "put_function_concurrency_account_limit_exceeded",
    "PutFunctionConcurrency",
    { FunctionName: "f", ReservedConcurrentExecutions: 1001 },
  ],
  [
    LIMITS,
    "put_function_concurrency_below_unreserved_min_value",
    "PutFunctionConcurrency",
    { FunctionName: "f", ReservedConcurrentExecutions: 901 },
  ],
  [NO_FUNCTION, "not_found_exception", "DeleteFunction", { FunctionName: "nobody" }, "delete_function"],
  [NO_FUNCTION, "not_found_exception", "GetFunction", { FunctionName: "nobody" }, "get_function"],
  [
    NO_FUNCTION,
    "not_found_exception",
    "GetFunctionConfiguration",
    { FunctionName: "nobody" },
    "get_function_configuration",
  ],
  [
    NO_FUNCTION,
    "not_found_exception",
    "GetFunctionConcurrency",
    { FunctionName: "nobody" },
    "get_function_concurrency",
  ],
  [NO_FUNCTION, "not_found_exception", "GetFunctionUrlConfig", { FunctionName: "nobody" }, "get_function_url_config"],
  [
    NO_FUNCTION,
    "not_found_exception",
    "GetFunctionCodeSigningConfig",
    { FunctionName: "nobody" },
    "get_function_code_signing_config",
  ],
  [
    NO_FUNCTION,
    "not_found_exception",
    "GetFunctionEventInvokeConfig",
    { FunctionName: "nobody" },
    "get_function_event_invoke_config",
  ],
  [NO_VERSION, "version_not_found_exception", "GetFunction", of("1221"), "get_function"],
  [NO_VERSION, "version_not_found_exception", "GetFunctionConfiguration", of("1221"), "get_function_configuration"],
  [
    NO_VERSION,
    "version_not_found_exception",
    "GetFunctionEventInvokeConfig",
    of("1221"),
    "get_function_event_invoke_config",
  ],
  [UPDATE, "invalid_role_arn_exc", "UpdateFunctionConfiguration", { FunctionName: "f", Role: "r1" }],
  [
    UPDATE,
    "invalid_runtime_exc",
    "UpdateFunctionConfiguration",
    { FunctionName: "f", Runtime: "non-existent-runtime" },
  ],
  [UPDATE, "uppercase_runtime_exc", "UpdateFunctionConfiguration", { FunctionName: "f", Runtime: "PYTHON3.9" }],
  [
    REVISIONS,
    "update_function_revision_exception",
    "UpdateFunctionCode",
    { FunctionName: "f", ZipFile: "Z29vZA==", RevisionId: "x" },
  ],
  [
    REVISIONS,
    "update_function_configuration_revision_exception",
    "UpdateFunctionConfiguration",
    { FunctionName: "f", RevisionId: "x" },
  ],
  [PERMISSIONS, "get_policy_fn_doesnotexist", "GetPolicy", { FunctionName: "doesnotexist" }],
  [PERMISSIONS, "get_policy_fn_version_doesnotexist", "GetPolicy", of("42")],
  [URLS, "get_function_url_config_name_doesnotexist_qualifier", "GetFunctionUrlConfig", of("1", "doesnotexist")],
  [
    URLS,
    "get_function_url_config_qualifier_alias_doesnotmatch_arn",
    "GetFunctionUrlConfig",
    { FunctionName: "f:one", Qualifier: "two" },
  ],
  [URLS, "get_function_url_config_qualifier_latest", "GetFunctionUrlConfig", of("$LATEST")],
  [URLS, "delete_function_url_config_config_doesnotexist", "DeleteFunctionUrlConfig", { FunctionName: "f" }],
  ...URL_CASES,
  ...PERMISSION_CASES,
  [
    SIGNING,
    "get_function_csc_nonexistingfn",
    "GetFunctionCodeSigningConfig",
    { FunctionName: "csc-test-doesnotexist" },
  ],
  [
    SIGNING,
    "delete_function_csc_fnnotfound",
    "DeleteFunctionCodeSigningConfig",
    { FunctionName: "csc-test-doesnotexist" },
  ],
  [
    "test_lambda.TestLambdaConcurrency.test_reserved_provisioned_overlap",
    "reserved_lower_than_provisioned_exc",
    "PutFunctionConcurrency",
    { FunctionName: "reserved", ReservedConcurrentExecutions: 1 },
  ],
  [
    "TestLambdaFunction.test_list_functions",
    "list_functions_invalid_functionversion",
    "ListFunctions",
    { FunctionVersion: "invalid" },
  ],
];

function patternOf(text: string): RegExp {
  const pattern = text
    .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("111111111111", "000000000000")
    .replaceAll(/<[a-z_-]+(?::\d+)?>/g, "[^:/]+");
  return new RegExp(`^${pattern}$`);
}

it.for(CASES)("%s: %s", async ([test, step, operation, input, parameter = "-"]) => {
  const expected = recorded(test, step, parameter);
  const [method, target, body] = toRequest(operation, input);
  const response = await harness.fetch(method, target, body);
  const answer = JSON.parse(await response.text()) as Record<string, string | null>;
  expect([response.status, response.headers.get("x-amzn-errortype")]).toEqual([
    expected.ResponseMetadata.HTTPStatusCode,
    expected.Error.Code,
  ]);
  expect(String(answer["message"] ?? answer["Message"])).toMatch(patternOf(String(expected.Error.Message)));
  // A client shows the members of errors that the model has; the others' bodies are not known.
  const members = Object.keys(expected).filter((name) => name !== "Error" && name !== "ResponseMetadata");
  if (members.length > 0) expect(Object.keys(answer).toSorted()).toEqual(members.toSorted());
});

it("each operation of the model that is not built says so, with a status that no client tries again", async () => {
  const built = harness.control.control.operations;
  const missing = (Object.keys(LAMBDA.operations) as OperationName[]).filter((name) => built[name] === undefined);
  expect(missing.length).toBeGreaterThan(20);
  for (const operation of missing) {
    const { method, uri } = LAMBDA.operations[operation];
    const response = await harness.fetch(method, uri.replaceAll(/\{\w+\+?\}/g, "x"));
    expect([operation, response.status, response.headers.get("x-amzn-errortype")]).toEqual([
      operation,
      400,
      "NotImplementedException",
    ]);
    const said = `${operation} is part of the Lambda API, but Thaw does not have it. ${REFUSED[operation]}`;
    expect(await response.json()).toEqual({ message: said });
  }
});

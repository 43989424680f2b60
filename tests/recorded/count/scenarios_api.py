"""What leads to the answers that are recorded of the API: the requests that each step belongs to."""

import io
import itertools
import zipfile

from session import ARN, ECHO, admin, client, package

SCENARIOS = {}
API = "test_lambda_api."
INDEX = package({"index.py": "def handler(event, context):\n    return 1\n"})
OTHER = package({"index.py": "def handler(event, context):\n    return 2\n"})


def scenario(*names):
    def add(run):
        for name in names:
            SCENARIOS[API + name] = run
        return run

    return add


def plain(test, **others):
    """What an API test of the recordings creates: 3 seconds, no variables."""
    wanted = {"Handler": "index.handler", "Timeout": None, "Environment": None, "Code": {"ZipFile": INDEX}}
    return {**wanted, **others}


# Code signing


def signing(policy="Enforce"):
    return {
        "Description": "Testing CodeSigning Config",
        "AllowedPublishers": {
            "SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"]
        },
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": policy},
    }


@scenario("TestCodeSigningConfig.test_function_code_signing_config")
def code_signing(test):
    test.create()
    made = test.call("create_code_signing_config", "create_code_signing_config", **signing())
    arn = {"CodeSigningConfigArn": made["CodeSigningConfig"]["CodeSigningConfigArn"]}
    warn = {"UntrustedArtifactOnDeployment": "Warn"}
    test.call("update_code_signing_config", "update_code_signing_config", **arn, CodeSigningPolicies=warn)
    test.call("get_code_signing_config", "get_code_signing_config", **arn)
    listed = client.list_code_signing_configs()["CodeSigningConfigs"]
    own_config = [config for config in listed if config["CodeSigningConfigArn"] == arn["CodeSigningConfigArn"]]
    test.judge("list_code_signing_configs", own_config[0])
    own = {"FunctionName": test.name}
    test.call("put_function_code_signing_config", "put_function_code_signing_config", **arn, **own)
    test.call("get_function_code_signing_config", "get_function_code_signing_config", **own)
    test.call("list_functions_by_code_signing_config", "list_functions_by_code_signing_config", **arn)
    test.call("delete_function_code_signing_config", "delete_function_code_signing_config", **own)
    test.call("delete_code_signing_config", "delete_code_signing_config", **arn)


@scenario("TestCodeSigningConfig.test_code_signing_not_found_excs")
def code_signing_not_found(test):
    test.create()
    made = test.call("create_code_signing_config", "create_code_signing_config", **signing())
    arn = {"CodeSigningConfigArn": made["CodeSigningConfig"]["CodeSigningConfigArn"]}
    wrong = {"CodeSigningConfigArn": arn["CodeSigningConfigArn"][:-1] + "x"}
    own, nobody = {"FunctionName": test.name}, {"FunctionName": "csc-test-doesnotexist"}
    test.call("delete_code_signing_config", "delete_csc_notfound", **wrong)
    test.call("delete_function_code_signing_config", "nothing_to_delete_response", **own)
    test.call("delete_function_code_signing_config", "delete_function_csc_fnnotfound", **nobody)
    put = "put_function_code_signing_config"
    test.call(put, "put_function_csc_invalid_fnname", **arn, **nobody)
    test.call(put, "put_function_csc_invalid_csc_arn", **wrong, **own)
    test.call(put, "put_function_csc_invalid_both", **wrong, **nobody)
    test.call("update_code_signing_config", "update_csc_invalid_csc_arn", **wrong, Description="new-description")
    test.call("update_code_signing_config", "update_csc_noupdates", **wrong)
    test.call("update_code_signing_config", "update_csc_noupdate_response", **arn)
    test.call("get_code_signing_config", "get_csc_invalid", **wrong)
    test.call("get_function_code_signing_config", "get_function_csc_fnwithoutcsc", **own)
    test.call("get_function_code_signing_config", "get_function_csc_nonexistingfn", **nobody)
    test.call("list_functions_by_code_signing_config", "list_functions_by_csc_fnwithoutcsc", **arn)
    test.call("list_functions_by_code_signing_config", "list_functions_by_csc_invalid_cscarn", **wrong)


# Account


@scenario("TestLambdaAccountSettings.test_account_settings_total_code_size")
def account_code_size(test):
    def size():
        return client.get_account_settings()["AccountUsage"]["TotalCodeSize"]

    def sized(bytes_wanted):
        """A zip of that size: its one file is stored, not compressed."""
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("f.py", "#")
        padding = bytes_wanted - len(held.getvalue())
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("f.py", "#" * (1 + padding))
        return held.getvalue()

    def judged(step, change):
        before = size()
        change()
        test.judge(step, size() - before)

    start = size()
    test.create(Code={"ZipFile": sized(276)})
    test.judge("total_code_size_diff_create_function", size() - start)
    test.call("update_function_code", FunctionName=test.name, ZipFile=sized(276))
    test.judge("total_code_size_diff_update_function", size() - start)
    layer = {"LayerName": test.name, "Content": {"ZipFile": sized(169)}}
    for step in ("total_code_size_diff_publish_layer", "total_code_size_diff_publish_layer_version"):
        judged(step, lambda: test.call("publish_layer_version", **layer))


# Aliases and revisions


@scenario("TestLambdaAlias.test_non_existent_alias_update")
def missing_alias(test):
    test.create("create_response", **plain(test, Environment={"Variables": {"testenv": "staging"}}))
    test.call("update_alias", "update_alias_response", FunctionName=test.name, Name="non-existent", Description="x")


@scenario("TestLambdaAlias.test_notfound_and_invalid_routingconfigs")
def alias_refusals(test):
    variables = {"Variables": {"testenv": "staging"}}
    test.create("create_response", **plain(test, Environment=variables, Publish=True))
    test.settled(qualifier="1")
    test.publish("publish_v1")
    own = {"FunctionName": test.name}
    test.call("update_function_configuration", **own, Environment={"Variables": {"testenv": "prod"}})
    test.settled()
    test.publish("publish_v2")

    def alias(step, version, weights, name="custom", **others):
        routed = {} if weights is None else {"RoutingConfig": {"AdditionalVersionWeights": weights}}
        wanted = {**own, "Name": name, "FunctionVersion": version, **routed, **others}
        test.call("create_alias", step, **wanted)

    alias("routing_config_exc_toomany", "1", {"1": 0.5, "2": 0.5})
    alias("routing_config_exc_toohigh", "1", {"2": 2})
    alias("routing_config_exc_subzero", "1", {"2": -1})
    alias("routing_config_exc_sameversion", "1", {"1": 0.5})
    alias("target_version_doesnotexist", "10", {"2": 0.5})
    alias("routing_config_exc_version_doesnotexist", "1", {"10": 0.5})
    alias("target_version_exc_version_latest", "$LATEST", {"1": 0.5})
    alias("routing_config_exc_version_latest", "1", {"$LATEST": 0.5})
    alias("create-alias-latest", "$LATEST", None, name="custom-latest")
    alias("routing_config_exc_fn_doesnotexist", "1", {"2": 0.5}, FunctionName=test.name + "-unknown")
    alias("create_alias_empty_routingconfig", "1", None, name="custom-empty-routingconfig", RoutingConfig={})
    alias("create_alias_response", "1", {"2": 0.5})
    alias("routing_config_exc_already_exist", "1", {"2": 0.5})
    test.call("get_alias", "alias_does_not_exist_esc", **own, Name="non-existent")


@scenario("TestLambdaRevisions.test_function_revisions_basic")
def revisions(test):
    own = {"FunctionName": test.name}
    test.create("create_function_response_rev1", Handler="index.handler")
    test.call("get_function", "get_function_response_rev2", **own)
    update, configure = "update_function_code", "update_function_configuration"
    test.call(update, "update_function_revision_exception", **own, ZipFile=ECHO, RevisionId="wrong")
    test.call(update, "update_function_code_response_rev3", **own, ZipFile=ECHO)
    test.settled()
    test.call("get_function", "get_function_response_rev4", **own)
    test.call(configure, "update_function_configuration_revision_exception", **own, RevisionId="wrong")
    runtime = test.runtimes.get("python3.8", "python3.8")
    test.call(configure, "update_function_configuration_response_rev5", **own, Runtime=runtime)
    test.settled()
    test.call("get_function", "get_function_response_rev6", **own)


@scenario("TestLambdaRevisions.test_function_revisions_version_and_alias")
def branch_revisions(test):
    own = {"FunctionName": test.name}
    test.create("create_function_response_rev1")
    test.call("get_function", "get_function_active_rev2", **own)
    test.call("publish_version", "publish_version_revision_exception", **own, RevisionId="wrong")
    test.publish("publish_version_response_rev_v1")
    test.call("get_function", "get_function_published_version_rev_v2", **own, Qualifier="1")
    test.call("get_function", "get_function_latest_rev3", **own)
    alias = {**own, "Name": "revision_alias"}
    test.call("create_alias", "create_alias_response_rev_a1", **alias, FunctionVersion="1")
    test.call("get_function", "get_function_latest_rev4", **own)
    test.call("get_function", "get_function_published_version_rev_v3", **own, Qualifier="1")
    test.call("update_alias", "update_alias_revision_exception", **alias, RevisionId="wrong")
    test.call("update_alias", "update_alias_response_rev_a2", **alias, Description="something changed")


# Event invoke configurations


@scenario("TestLambdaEventInvokeConfig.test_lambda_eventinvokeconfig_lifecycle")
def event_config(test):
    own = {"FunctionName": test.name}
    put, update = "put_function_event_invoke_config", "update_function_event_invoke_config"
    get, listed = "get_function_event_invoke_config", "list_function_event_invoke_configs"
    test.create()
    test.call(put, "put_invokeconfig_retries_0", **own, MaximumRetryAttempts=0)
    test.call(put, "put_invokeconfig_eventage_60", **own, MaximumEventAgeInSeconds=60)
    test.call(update, "update_invokeconfig_eventage_nochange", **own, MaximumEventAgeInSeconds=60)
    test.call(update, "update_invokeconfig_retries", **own, MaximumRetryAttempts=1)
    test.call(get, "get_invokeconfig", **own)
    test.call(get, "get_invokeconfig_latest", **own, Qualifier="$LATEST")
    test.call(listed, "list_single_invokeconfig", **own)
    test.publish("publish_version_result")
    test.call(get, "get_invokeconfig_postpublish", **own, Qualifier="1")
    test.call(put, "put_published_invokeconfig", **own, Qualifier="1", MaximumEventAgeInSeconds=120)
    test.call(get, "get_published_invokeconfig", **own, Qualifier="1")
    test.call("delete_function_event_invoke_config", **own)
    test.call(listed, "list_paging_nolimit_postdelete", **own)


# Event source mappings


@scenario("TestLambdaEventSourceMappings.test_create_event_filter_criteria_validation")
def filters(test):
    test.create()
    stream = f"arn:aws:dynamodb:us-east-1:000000000000:table/t-{test.name}/stream/2026-01-01T00:00:00.000"
    wanted = {"EventSourceArn": stream, "StartingPosition": "LATEST", "FilterCriteria": {"Filters": []}}
    made = test.call("create_event_source_mapping", "response-with-empty-filters", FunctionName=test.name, **wanted)
    client.delete_event_source_mapping(UUID=made["UUID"])


# Functions


@scenario("TestLambdaFunction.test_function_arns")
def arns(test):
    test.create("create-function-arn-response", FunctionName=ARN + test.name, Code={"ZipFile": INDEX})
    client.delete_function(FunctionName=test.name)
    partial = f"000000000000:function:{test.name}-2"
    test.create("create-function-partial-arn-response", FunctionName=partial, Code={"ZipFile": OTHER})
    client.delete_function(FunctionName=f"{test.name}-2")
    refused = {
        "invalid_function_name_exc": "invalid:function:name",
        "long_function_name_exc": "a" * 65,
        "long_function_arn_exc": ARN + "a" * (141 - len(ARN)),
        "function_arn_other_region_exc": f"arn:aws:lambda:ap-southeast-1:000000000000:function:{test.name}",
        "function_arn_other_account_exc": f"arn:aws:lambda:us-east-1:123456789012:function:{test.name}",
    }
    for step, name in refused.items():
        test.create(step, wait=False, FunctionName=name)


@scenario("TestLambdaFunction.test_get_function_wrong_region")
def wrong_region(test):
    name = f"arn:aws:lambda:eu-central-1:000000000000:function:{test.name}"
    test.call(test.parameter, "wrong_region_exception", FunctionName=name)


@scenario("TestLambdaFunction.test_ops_on_nonexisting_fn")
def missing_function(test):
    test.call(test.parameter, "not_found_exception", FunctionName=test.name)


@scenario("TestLambdaFunction.test_ops_on_nonexisting_version")
def missing_version(test):
    test.create()
    test.call(test.parameter, "version_not_found_exception", FunctionName=test.name, Qualifier="1221")


@scenario("TestLambdaFunction.test_invalid_vpc_config_security_group")
def security_groups(test):
    def vpc(group):
        return {"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": [group]}

    test.create("create-response-non-existent-security-group", wait=False, VpcConfig=vpc("sg-0000000000000000"))
    test.create("create-response-invalid-format-security-group", wait=False, VpcConfig=vpc("wrong-format"))


@scenario("TestLambdaFunction.test_lambda_code_location_s3")
def code_in_s3(test):
    first, second = stored(test, "first.zip", INDEX), stored(test, "second.zip", OTHER)
    own = {"FunctionName": test.name}
    test.create("create_response_s3", **plain(test, Code=first))
    test.call("get_function", "get-function-response", **own)
    test.call("update_function_code", "update-function-response", **own, **second)
    test.call("get_function", "get-function-response-updated", **own)


@scenario("TestLambdaFunction.test_lambda_code_location_s3_errors")
def code_not_in_s3(test):
    there = stored(test, "code.zip", INDEX)
    nowhere = {**there, "S3Bucket": "some-random-non-existent-bucket-1234"}
    wrong = {**there, "S3Key": "non/existing.zip"}
    own = {"FunctionName": test.name}
    test.create("create-error-wrong-bucket", wait=False, Code=nowhere)
    test.create("create-error-wrong-key", wait=False, Code=wrong)
    test.create(Code=there)
    test.call("update_function_code", "update-error-wrong-bucket", **own, **nowhere)
    test.call("update_function_code", "update-error-wrong-key", **own, **wrong)


def stored(test, key, content):
    """Through Thaw's own API, as `thaw objects put` does."""
    bucket = f"bucket-{test.name}"
    admin("PUT", f"objects/{bucket}/{key}", content)
    return {"S3Bucket": bucket, "S3Key": key}


@scenario("TestLambdaFunction.test_list_functions")
def listed_functions(test):
    second = f"{test.name}-2"
    test.create("create_response_1", Publish=True)
    test.settled(qualifier="1")
    test.create("create_response_2", FunctionName=second)
    test.call("list_functions", "list_functions_invalid_functionversion", FunctionVersion="invalid")

    def own(functions):
        return {"Functions": [each for each in functions if each["FunctionName"].startswith(test.name)]}

    test.judge("list_all", own(client.list_functions(FunctionVersion="ALL")["Functions"]))
    test.judge("list_default", own(client.list_functions()["Functions"]))
    client.delete_function(FunctionName=second)


@scenario("TestLambdaFunction.test_update_lambda_exceptions")
def update_refusals(test):
    test.create()
    for step, wanted in {
        "invalid_role_arn_exc": {"Role": "r1"},
        "invalid_runtime_exc": {"Runtime": "non-existent-runtime"},
        "uppercase_runtime_exc": {"Runtime": "PYTHON3.9"},
    }.items():
        test.call("update_function_configuration", step, FunctionName=test.name, **wanted)


# Layers


@scenario("TestLambdaLayer.test_layer_lifecycle")
def layers(test):
    own, layer = {"FunctionName": test.name}, {"LayerName": test.name}
    wanted = {
        **layer,
        "Description": "a description",
        "LicenseInfo": "MIT",
        "CompatibleRuntimes": ["python3.12"],
        "CompatibleArchitectures": ["x86_64"],
        "Content": {"ZipFile": OTHER},
    }
    test.create()
    test.call("get_function", "get_fn_result", **own)
    test.call("get_function_configuration", "get_fn_config_result", **own)
    renamed, test.comparison.renamed = test.comparison.renamed, {}
    first = test.call("publish_layer_version", "publish_result", **wanted)
    test.call("publish_layer_version", "publish_result_2", **wanted)
    test.comparison.renamed = renamed
    arn = first["LayerVersionArn"]
    test.call("update_function_configuration", "update_fn_config", **own, Layers=[arn])
    test.settled()
    test.call("get_function_configuration", "get_fn_config", **own)
    test.comparison.renamed = {}
    test.call("get_layer_version", "get_layer_ver_result", **layer, VersionNumber=1)
    test.call("get_layer_version_by_arn", "get_layer_by_arn_version", Arn=arn)
    test.call("list_layer_versions", "list_layer_versions_predelete", **layer)
    test.call("delete_layer_version", "delete_layer_1", **layer, VersionNumber=1)
    test.comparison.renamed = renamed
    test.call("get_function_configuration", "get_fn_config_postdelete", **own)
    test.comparison.renamed = {}
    test.call("delete_layer_version", "delete_layer_2", **layer, VersionNumber=2)
    test.call("list_layer_versions", "list_layer_versions_postdelete", **layer)
    test.call("publish_layer_version", "publish_result_3", **wanted)


# Permissions


@scenario("TestLambdaPermissions.test_add_lambda_permission_fields")
def permission_fields(test):
    test.create()
    account = {"SourceAccount": "000000000000"}
    invoke = {"Action": "lambda:InvokeFunction"}
    user = "arn:aws:iam::000000000000:user/someone"
    token = "amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
    url = {
        "Action": "lambda:InvokeFunctionUrl",
        "SourceArn": "arn:aws:s3:::bucket",
        "FunctionUrlAuthType": "NONE",
        "PrincipalOrgID": "o-1234567890",
    }
    for step, sid, principal, others in (
        ("wildcard", "wilcard", "*", {**invoke, **account}),
        ("service", "lambda", "lambda.amazonaws.com", {**invoke, **account}),
        ("account", "account-id", "000000000000", invoke),
        ("arn", "user-arn", user, {**invoke, **account}),
        ("optional", "urlPermission", "*", {**url, **account}),
        ("alexa", "alexaSkill", "*", {**invoke, "EventSourceToken": token}),
    ):
        ending = {"optional": "optional_fields", "alexa": "alexa_skill"}.get(step, f"principal_{step}")
        given = {"FunctionName": test.name, "StatementId": sid, "Principal": principal, **others}
        test.call("add_permission", f"add_permission_{ending}", **given)


@scenario("TestLambdaPermissions.test_permission_exceptions")
def permission_refusals(test):
    test.create()
    own = {"FunctionName": test.name}
    nobody = {"FunctionName": "doesnotexist"}
    s3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}

    def add(step, **others):
        test.call("add_permission", f"add_permission_{step}", **{**own, **s3, **others})

    add("invalid_statement_id", StatementId="example.com")
    add("fn_qualifier_mismatch", FunctionName=f"{test.name}:alias-not-42", Qualifier="42")
    add("fn_qualifier_latest", Qualifier="$LATEST")
    add("principal_invalid", Principal="invalid.nonaws.com")
    test.call("get_policy", "get_policy_fn_doesnotexist", **nobody)
    test.call("get_policy", "get_policy_fn_version_doesnotexist", **own, Qualifier="42")
    add("fn_doesnotexist", **nobody)
    remove = {"StatementId": "s3"}
    test.call("remove_permission", "remove_permission_policy_doesnotexist", **own, **remove)
    add("fn_alias_doesnotexist", Qualifier="alias-doesnotexist")
    add("fn_version_doesnotexist", Qualifier="42")
    add("fn_qualifier_invalid", Qualifier="invalid-qualifier-with-?-char")
    add("fn_qualifier_valid_doesnotexist", Qualifier="valid-with-$-but-doesnotexist")
    test.call("add_permission", **own, **s3)
    add("conflicting_statement_id")
    test.call("remove_permission", "remove_permission_fn_doesnotexist", **nobody, **remove)
    alias = {"Qualifier": "alias-doesnotexist"}
    test.call("remove_permission", "remove_permission_fn_alias_doesnotexist", **own, **alias, **remove)


# Concurrency


@scenario("TestLambdaProvisionedConcurrency.test_provisioned_concurrency_exceptions")
def provisioned_refusals(test):
    test.create()
    test.publish("publish_version_result")
    own, nobody = {"FunctionName": test.name}, {"FunctionName": "doesnotexist"}
    qualifiers = {"qualifier_doesnotexist": "noalias", "version_doesnotexist": "10", "latest": "$LATEST"}
    get, delete, put = (f"{verb}_provisioned_concurrency_config" for verb in ("get", "delete", "put"))
    test.call(get, "get_provisioned_config_doesnotexist", **own, Qualifier="1")
    test.call(get, "get_provisioned_functionname_doesnotexist", **nobody, Qualifier="noalias")
    listed = "list_provisioned_concurrency_configs"
    test.call(listed, "list_provisioned_noconfigs", **own)
    test.call(listed, "list_provisioned_functionname_doesnotexist", **nobody)
    test.call(delete, "delete_provisioned_functionname_doesnotexist", **nobody, Qualifier="1")
    for (ending, qualifier), (verb, operation) in itertools.product(
        qualifiers.items(), (("get", get), ("delete", delete))
    ):
        test.call(operation, f"{verb}_provisioned_{ending}", **own, Qualifier=qualifier)
    test.call(delete, "delete_provisioned_config_doesnotexist", **own, Qualifier="1")

    def provision(step, name, qualifier, count=1):
        wanted = {"Qualifier": qualifier, "ProvisionedConcurrentExecutions": count}
        test.call(put, f"put_provisioned_{step}", **name, **wanted)

    provision("invalid_param_0", own, "1", 0)
    provision("functionname_doesnotexist_alias", nobody, "noalias")
    provision("functionname_doesnotexist_version", nobody, "1")
    provision("qualifier_doesnotexist", own, "doesnotexist")
    provision("version_doesnotexist", own, "10")
    provision("latest", own, "$LATEST")


@scenario("TestLambdaReservedConcurrency.test_function_concurrency_exceptions")
def reserved_refusals(test):
    test.create()
    test.publish()
    for ending, name, count in (
        ("function_name_doesnotexist", "doesnotexist", 1),
        ("function_name_doesnotexist_and_invalid_concurrency", "doesnotexist", 10_000),
        ("qualified_arn", f"{test.arn}:1", 1),
    ):
        wanted = {"FunctionName": name, "ReservedConcurrentExecutions": count}
        test.call("put_function_concurrency", f"put_function_concurrency_with_{ending}", **wanted)


@scenario("TestLambdaReservedConcurrency.test_function_concurrency_limits")
def reserved_limits(test):
    test.create()
    limits = client.get_account_settings()["AccountLimit"]
    for ending, count in (
        ("account_limit_exceeded", limits["ConcurrentExecutions"] + 1),
        ("below_unreserved_min_value", limits["UnreservedConcurrentExecutions"] - 1),
    ):
        wanted = {"FunctionName": test.name, "ReservedConcurrentExecutions": count}
        test.call("put_function_concurrency", f"put_function_concurrency_{ending}", **wanted)


@scenario("TestLambdaRecursion.test_put_function_recursion_config_invalid_value")
def recursion(test):
    wanted = {"FunctionName": test.name, "RecursiveLoop": "InvalidValue"}
    test.call("put_function_recursion_config", "put_recursion_invalid_value_error", **wanted)

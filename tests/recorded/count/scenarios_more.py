"""What leads to the answers that are recorded of sizes, SnapStart, tags and the configurations of URLs."""

import os

from scenarios_api import SCENARIOS, scenario
from session import ARN, ROLE, client, package

__all__ = ["SCENARIOS"]

"""What count.ts has written: that it could run is not asked for."""
IMAGE = "oci:image:latest"


@scenario("TestLambdaSizeLimits.test_large_lambda")
def large_package(test):
    name = "handler.py"
    code = package({name: "def handler(event, context):\n    return 1\n", "large.bin": os.urandom(40 * 1024 * 1024)})
    test.create("create_function_large_zip", Timeout=10, Environment=None, Code={"ZipFile": code})


@scenario("TestLambdaSizeLimits.test_oversized_zipped_create_lambda")
def oversized_package(test):
    code = package({"large.bin": os.urandom(50 * 1024 * 1024 + 10_000)})
    step = next(iter(test.responses))
    test.create(step, wait=False, Code={"ZipFile": code})


@scenario("TestLambdaSnapStart.test_snapstart_lifecycle")
def snap_start(test):
    recorded = test.responses["create_function_response"]
    recorded = recorded.get("CreateFunctionResponse", recorded)
    own = {"FunctionName": test.name}
    wanted = {name: recorded[name] for name in ("Runtime", "Handler", "Timeout", "MemorySize")}
    shown = {"Environment": {"Variables": {}}} if "Environment" in recorded else {"Environment": None}
    test.create("create_function_response", **wanted, **shown, SnapStart={"ApplyOn": recorded["SnapStart"]["ApplyOn"]})
    test.call("get_function", "get_function_response_latest", **own)
    test.publish(Description="version1")
    test.call("get_function", "get_function_response_version_1", **own, Qualifier="1")


# Tags


@scenario("TestLambdaTag.test_create_tag_on_fn_create")
def created_with_tags(test):
    test.create(Tags={"testtag": "custom-tag"})
    test.call("get_function", "get_function_result", FunctionName=test.name)
    test.call("list_tags", "list_tags_result", Resource=test.arn)


def tagged(test):
    """The ARN of the resource that the parameter names, and how it is removed."""
    test.create()
    if test.parameter != "event_source_mapping":
        return test.arn, lambda: None
    queue = f"arn:aws:sqs:us-east-1:000000000000:{test.name}"
    made = client.create_event_source_mapping(FunctionName=test.name, EventSourceArn=queue)
    return made["EventSourceMappingArn"], lambda: client.delete_event_source_mapping(UUID=made["UUID"])


@scenario("TestLambdaTag.test_tag_lifecycle")
def tag_life(test):
    resource, remove = tagged(test)

    def step(operation, name, **given):
        test.call(operation, f"{name}_response", Resource=resource, **given)
        test.call("list_tags", f"{name}_response_listtags", Resource=resource)

    step("tag_resource", "tag_single", Tags={"A": "tag-a"})
    step("tag_resource", "tag_multiple", Tags={"B": "tag-b", "C": "tag-c"})
    step("tag_resource", "tag_overlap", Tags={"C": "tag-c-newsuffix", "D": "tag-d"})
    step("untag_resource", "untag_single", TagKeys=["A"])
    step("untag_resource", "untag_multiple", TagKeys=["B", "C"])
    step("untag_resource", "untag_nonexisting", TagKeys=["F"])
    step("untag_resource", "untag_existing_and_nonexisting", TagKeys=["D", "F"])
    remove()


@scenario("TestLambdaTag.test_tag_exceptions")
def tag_refusals(test):
    kind = {"lambda_function": "function"}.get(test.parameter, test.parameter.replace("_", "-"))
    prefix = "arn:aws:lambda:us-east-1:000000000000:"
    name = "1a2b3c4d-0000-0000-0000-000000000000" if kind == "event-source-mapping" else test.name
    missing = f"{prefix}{kind}:{name}"
    test.call("tag_resource", "not_found_exception_tag", Resource=missing, Tags={"A": "B"})
    test.call("untag_resource", "not_found_exception_untag", Resource=missing, TagKeys=["A"])
    test.call("list_tags", "not_found_exception_list", Resource=missing)
    test.call("tag_resource", "aliased_arn_exception", Resource=f"{missing}:alias", Tags={"A": "B"})
    test.call("tag_resource", "invalid_arn_exception", Resource=f"{prefix}foobar:{name}", Tags={"A": "B"})


@scenario("TestLambdaTags.test_tag_lifecycle")
def tags_and_revisions(test):
    test.create(Tags={"key_a": "value_a"})
    resource, own = {"Resource": test.arn}, {"FunctionName": test.name}

    def look(name):
        test.call("list_tags", f"list_tags_response_{name}", **resource)
        test.call("get_function", f"get_fn_response_{name}", **own)

    look("postfncreate")
    added = {f"key_{letter}": f"value_{letter}" for letter in "bcde"}
    test.call("tag_resource", "tag_resource_response", **resource, Tags=added)
    look("postaddtags")
    test.call("tag_resource", "tag_resource_overwrite", **resource, Tags={"key_c": "value_x"})
    look("overwrite")
    test.call("untag_resource", **resource, TagKeys=["key_c", "key_d"])
    look("postuntag")
    test.call("untag_resource", **resource, TagKeys=["key_a", "key_b", "key_e"])
    look("postuntagall")
    test.call("delete_function", **own)
    test.call("list_tags", "list_tags_postdelete", **resource)


@scenario("TestLambdaTags.test_tag_limits")
def tag_limits(test):
    def tags(count):
        return {f"{number}_key": f"{number}_value" for number in range(count)}

    resource = {"Resource": test.arn}
    test.create()
    test.call("tag_resource", "tag_lambda_too_many_tags", **resource, Tags=tags(51))
    test.call("tag_resource", "tag_response", **resource, Tags=tags(50))
    test.call("list_tags", "list_tags_response", **resource)
    test.call("get_function", "get_fn_response", FunctionName=test.name)
    test.call("tag_resource", "tag_lambda_too_many_tags_additional", **resource, Tags={"a_key": "a_value"})
    test.create("create_function_invalid_tags", wait=False, FunctionName=f"{test.name}-2", Tags=tags(51))


# Configurations of URLs


@scenario("TestLambdaUrl.test_url_config_deletion_without_qualifier")
def url_deletion(test):
    own = {"FunctionName": test.name}
    alias = {**own, "Qualifier": "test-alias"}
    test.create()
    test.call("create_alias", **own, Name="test-alias", FunctionVersion="$LATEST")
    test.call("create_function_url_config", "url_creation", **own, AuthType="NONE")
    test.call("create_function_url_config", "url_with_alias_creation", **alias, AuthType="NONE")
    test.call("get_function_url_config", "get_url_config", **own)
    test.call("get_function_url_config", "get_url_config_with_alias", **alias)
    test.call("delete_function_url_config", "delete_function_url_config", **own)
    test.call("get_function_url_config", "get_url_config_after_deletion", **own)
    test.call("get_function_url_config", "get_url_config_with_alias_after_deletion", **alias)


@scenario("TestLambdaUrl.test_url_config_exceptions")
def url_refusals(test):
    code = package({"lambda_handler.js": "exports.handler = async () => 1;"})
    test.create(Runtime="nodejs20.x", Handler="lambda_handler.handler", Code={"ZipFile": code})
    test.publish("fn_version_result")
    own = {"FunctionName": test.name}
    test.call("create_alias", "create_alias_result", **own, Name="urlalias", FunctionVersion="1")
    missing = "doesnotexist"
    cases = {
        "name_doesnotexist": {"FunctionName": missing},
        "arn_doesnotexist": {"FunctionName": ARN + missing},
        "name_doesnotexist_qualifier": {"FunctionName": missing, "Qualifier": "1"},
        "qualifier_version": {**own, "Qualifier": "1"},
        "qualifier_version_doesnotexist": {**own, "Qualifier": "2"},
        "qualifier_alias_doesnotexist": {**own, "Qualifier": missing},
        "qualifier_alias_doesnotmatch_arn": {"FunctionName": f"{test.arn}:{missing}", "Qualifier": "urlalias"},
        "qualifier_latest": {**own, "Qualifier": "$LATEST"},
        "config_doesnotexist": own,
    }
    for verb in ("create", "get", "delete", "update"):
        for ending, given in cases.items():
            step = f"{verb}_function_url_config_{ending}"
            auth = {"AuthType": "NONE"} if verb in ("create", "update") else {}
            if isinstance(test.responses.get(step), dict):
                test.call(f"{verb}_function_url_config", step, **given, **auth)


@scenario("TestLambdaUrl.test_url_config_lifecycle")
def url_life(test):
    own = {"FunctionName": test.name}
    test.create()
    test.call("create_function_url_config", "url_creation", **own, AuthType="NONE")
    test.call("create_function_url_config", "failed_duplication", **own, AuthType="NONE")
    test.call("get_function_url_config", "get_url_config", **own)
    test.call("update_function_url_config", "updated_url_config", **own, AuthType="AWS_IAM")
    test.call("delete_function_url_config", **own)
    test.call("get_function_url_config", "failed_getter", **own)


@scenario("TestLambdaImages.test_lambda_image_and_image_config_crud")
def images(test):
    own = {"FunctionName": test.name}
    start = {"EntryPoint": ["sh"], "Command": ["-c", "echo test"], "WorkingDirectory": "/app1"}
    given = {**own, "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": IMAGE}}
    variables = {"Variables": {"CUSTOM_ENV": "test"}}
    created = {**given, "ImageConfig": start, "Environment": variables}
    test.call("create_function", "create-image-with-config-response", **created)
    test.settled()
    later = {"Command": ["-c", "echo test1"], "WorkingDirectory": "/app1"}
    changes = (
        (None, "-with-config-response", None),
        ("update-function-code-response", "-response-after-update", later),
        ("update-function-code-delete-imageconfig-response", "-response-after-delete-imageconfig", {}),
    )
    for updated, after, changed in changes:
        if updated is not None:
            test.call("update_function_configuration", updated, **own, ImageConfig=changed)
            test.settled()
        test.call("get_function", f"get-function-code{after}", **own)
        test.call("get_function_configuration", f"get-function-config{after}", **own)


@scenario("TestLambdaImages.test_lambda_zip_file_to_image")
def package_to_image(test):
    own = {"FunctionName": test.name}
    test.create("create-image-response", Handler="handler.handler", Timeout=None, Environment=None)
    for step in ("response", "response-after-update"):
        test.call("get_function", f"get-function-code-{step}", **own)
        test.call("get_function_configuration", f"get-function-config-{step}", **own)
        if step == "response":
            test.call("update_function_code", "zipfile-to-image-error", **own, ImageUri=IMAGE)

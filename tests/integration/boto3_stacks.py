"""Stacks as boto3 makes, changes and removes them, with its own waiters, on a real server."""

import json

import boto3
from botocore.exceptions import ClientError, WaiterError

cloudformation = boto3.client("cloudformation")
functions = boto3.client("lambda")
NAME = "boto3-stack"
TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
FAST = {"Delay": 1, "MaxAttempts": 300}


def template(text, memory=128, name="live"):
    return json.dumps(
        {
            "Parameters": {"Secret": {"Type": "String", "NoEcho": True, "Default": "hidden"}},
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
                "Function": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Handler": "index.handler",
                        "Runtime": "nodejs24.x",
                        "MemorySize": memory,
                        "SnapStart": {"ApplyOn": "PublishedVersions"},
                        "Environment": {"Variables": {"SECRET": {"Ref": "Secret"}}},
                        "Code": {"ZipFile": f"exports.handler = async () => ['{text}', process.env.SECRET];\n"},
                    },
                },
                f"Version{text}": {
                    "Type": "AWS::Lambda::Version",
                    "Properties": {"FunctionName": {"Ref": "Function"}},
                },
                "Live": {
                    "Type": "AWS::Lambda::Alias",
                    "Properties": {
                        "FunctionName": {"Ref": "Function"},
                        "Name": name,
                        "FunctionVersion": {"Fn::GetAtt": [f"Version{text}", "Version"]},
                    },
                },
            },
            "Outputs": {"Live": {"Value": {"Ref": "Live"}}},
        }
    )


def refusal(call, **members):
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("nothing was refused")


def output():
    (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    (made,) = stack["Outputs"]
    return made["OutputValue"]


def invoke(arn):
    return json.loads(functions.invoke(FunctionName=arn)["Payload"].read())


def wait(name):
    try:
        cloudformation.get_waiter(name).wait(StackName=NAME, WaiterConfig=FAST)
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
        told = [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in events]
        raise AssertionError(told) from error


capabilities = ["CAPABILITY_IAM"]
assert refusal(cloudformation.create_stack, StackName=NAME, TemplateBody=template("one")) == (
    "InsufficientCapabilitiesException",
    "Requires capabilities : [CAPABILITY_IAM]",
)
cloudformation.create_stack(StackName=NAME, TemplateBody=template("one"), Capabilities=capabilities)
assert refusal(cloudformation.create_stack, StackName=NAME, TemplateBody=template("one"))[0] == "AlreadyExistsException"
wait("stack_create_complete")
(stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
assert stack["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}], stack
alias = output()
assert invoke(alias) == ["one", "hidden"]

previous = [{"ParameterKey": "Secret", "UsePreviousValue": True}]
cloudformation.create_change_set(
    StackName=NAME,
    ChangeSetName="second",
    TemplateBody=template("two", 256),
    Capabilities=capabilities,
    Parameters=previous,
)
cloudformation.get_waiter("change_set_create_complete").wait(StackName=NAME, ChangeSetName="second")
changes = cloudformation.describe_change_set(StackName=NAME, ChangeSetName="second")["Changes"]
actions = {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]["Action"] for each in changes}
assert actions == {"Function": "Modify", "Versionone": "Remove", "Versiontwo": "Add", "Live": "Modify"}, actions
cloudformation.execute_change_set(StackName=NAME, ChangeSetName="second")
wait("stack_update_complete")
assert output() == alias
assert invoke(alias) == ["two", "hidden"]

# Another name makes another alias, and the old one goes.
cloudformation.update_stack(
    StackName=NAME, TemplateBody=template("two", 256, "next"), Capabilities=capabilities, Parameters=previous
)
wait("stack_update_complete")
assert output().endswith(":next")
assert invoke(output()) == ["two", "hidden"]
assert refusal(functions.invoke, FunctionName=alias)[0] == "ResourceNotFoundException"

cloudformation.update_stack(
    StackName=NAME, TemplateBody=template("three", 1, "next"), Capabilities=capabilities, Parameters=previous
)
try:
    cloudformation.get_waiter("stack_update_complete").wait(StackName=NAME, WaiterConfig=FAST)
    raise AssertionError("a function of 1 MB was made")
except WaiterError:
    pass
cloudformation.get_waiter("stack_rollback_complete").wait(StackName=NAME, WaiterConfig=FAST)
assert invoke(output()) == ["two", "hidden"]
assert refusal(cloudformation.update_stack, StackName=NAME, UsePreviousTemplate=True, Parameters=previous)[1] == (
    "Requires capabilities : [CAPABILITY_IAM]"
)
assert refusal(
    cloudformation.update_stack,
    StackName=NAME,
    UsePreviousTemplate=True,
    Parameters=previous,
    Capabilities=capabilities,
) == ("ValidationError", "No updates are to be performed.")

identifier = stack["StackId"]
cloudformation.delete_stack(StackName=NAME)
cloudformation.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig=FAST)
assert refusal(cloudformation.describe_stacks, StackName=NAME) == (
    "ValidationError",
    f"Stack with id {NAME} does not exist",
)
assert cloudformation.describe_stacks(StackName=identifier)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
assert functions.list_functions()["Functions"] == []
print("done")

"""Two accounts with functions of one name, by boto3: the keys of each are in variables that begin with its name."""

import os
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["THAW_ENDPOINT"]
REGION = "us-east-1"


def client(who, service, region=REGION):
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=os.environ[f"{who}_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ[f"{who}_SECRET_ACCESS_KEY"],
    )


def code_of(error):
    return error.response["Error"]["Code"]


with open(sys.argv[1], "rb") as file:
    ZIP = file.read()
for who, account in (("HOME", "000000000000"), ("ALICE", "222222222222")):
    assert client(who, "sts").get_caller_identity()["Account"] == account
    own = client(who, "lambda")
    own.create_function(
        FunctionName="shared-name",
        Runtime="nodejs22.x",
        Handler="index.handler",
        Role=f"arn:aws:iam::{account}:role/test",
        Code={"ZipFile": ZIP},
        Environment={"Variables": {"WHO": who}},
    )
    own.get_waiter("function_active_v2").wait(FunctionName="shared-name")
home, alice = client("HOME", "lambda"), client("ALICE", "lambda")
for own, who in ((home, b"HOME"), (alice, b"ALICE")):
    assert who in own.invoke(FunctionName="shared-name")["Payload"].read()
    names = [f["FunctionName"] for page in own.get_paginator("list_functions").paginate() for f in page["Functions"]]
    assert names.count("shared-name") == 1, names
    # The link needs no key, whosever it is.
    location = own.get_function(FunctionName="shared-name")["Code"]["Location"]
    assert urllib.request.urlopen(location).read() == ZIP

arn = "arn:aws:lambda:us-east-1:222222222222:function:shared-name"
try:
    home.invoke(FunctionName=arn)
    raise AssertionError("it was not allowed")
except ClientError as error:
    assert code_of(error) == "AccessDeniedException", error
    assert "because no resource-based policy allows the lambda:InvokeFunction action" in str(error), error
alice.add_permission(
    FunctionName="shared-name", StatementId="home", Action="lambda:InvokeFunction", Principal="000000000000"
)
assert b"ALICE" in home.invoke(FunctionName=arn)["Payload"].read()

home.delete_function(FunctionName="shared-name")
assert b"ALICE" in alice.invoke(FunctionName="shared-name")["Payload"].read()
try:
    client("ALICE", "lambda", "eu-west-1").get_function(FunctionName="shared-name")
    raise AssertionError("it is in another Region")
except ClientError as error:
    assert code_of(error) == "ResourceNotFoundException", error
print("done")

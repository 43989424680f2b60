"""Parameters as boto3's users have them, and as cdk asks for the version of its bootstrap stack."""

import boto3
from botocore.exceptions import ClientError

ssm = boto3.client("ssm")


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


version = "/cdk-bootstrap/hnb659fds/version"
assert refused(ssm.get_parameter, Name=version) == ("ParameterNotFound", 400)
assert ssm.put_parameter(Name=version, Type="String", Value="33")["Version"] == 1
assert ssm.get_parameter(Name=version)["Parameter"]["Value"] == "33"
assert refused(ssm.put_parameter, Name=version, Type="String", Value="34") == ("ParameterAlreadyExists", 400)
ssm.put_parameter(Name="/app/secret", Type="SecureString", Value="hush")
assert ssm.get_parameter(Name="/app/secret", WithDecryption=True)["Parameter"]["Value"] == "hush"
assert ssm.get_parameter(Name="/app/secret")["Parameter"]["Value"] != "hush"
for number in range(12):
    ssm.put_parameter(Name=f"/app/list/{number:02}", Type="StringList", Value="a,b")
pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/app", Recursive=True, WithDecryption=True)
assert [len(page["Parameters"]) for page in pages] == [10, 3]
names = [each["Name"] for page in ssm.get_paginator("describe_parameters").paginate() for each in page["Parameters"]]
assert len(names) == 14 and names == sorted(names), names
for at in range(0, len(names), 10):
    ssm.delete_parameters(Names=names[at : at + 10])
print("done")

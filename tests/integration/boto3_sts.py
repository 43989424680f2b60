"""Roles that are assumed, as boto3 does it for its users: once by hand, once behind a client that renews by itself."""

import boto3
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import get_session

ROLE = "arn:aws:iam::000000000000:role/service-role/deployer"


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        attempts = error.response["ResponseMetadata"].get("RetryAttempts", 0)
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], attempts
    return None


sts = boto3.client("sts")
answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="by-hand", DurationSeconds=900)
given = answer["Credentials"]
session = boto3.Session(
    aws_access_key_id=given["AccessKeyId"],
    aws_secret_access_key=given["SecretAccessKey"],
    aws_session_token=given["SessionToken"],
)
arn = session.client("sts").get_caller_identity()["Arn"]
assert arn == answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::000000000000:assumed-role/deployer/by-hand", arn
# Each protocol and each kind of signature.
session.client("s3").create_bucket(Bucket="of-a-session")
session.client("s3").put_object(Bucket="of-a-session", Key="k", Body=b"content")
assert boto3.client("s3").get_object(Bucket="of-a-session", Key="k")["Body"].read() == b"content"
session.client("s3").delete_object(Bucket="of-a-session", Key="k")
session.client("s3").delete_bucket(Bucket="of-a-session")
session.client("lambda").list_functions()
session.client("logs").describe_log_groups()
session.client("cloudformation").list_stacks()
session.client("apigatewayv2").get_apis()
assert refused(session.client("sts").get_session_token) == ("AccessDenied", 403, 0)

source = get_session()
fetcher = AssumeRoleCredentialFetcher(source.create_client, source.get_credentials(), ROLE)
renewing = get_session()
renewing._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
arn = boto3.Session(botocore_session=renewing).client("sts").get_caller_identity()["Arn"]
assert arn.startswith("arn:aws:sts::000000000000:assumed-role/deployer/botocore-session-"), arn

other = {"RoleArn": "arn:aws:iam::999999999999:role/x", "RoleSessionName": "me"}
assert refused(sts.assume_role, **other) == ("AccessDenied", 403, 0)
web = {"RoleArn": ROLE, "RoleSessionName": "me", "WebIdentityToken": "token"}
assert refused(sts.assume_role_with_web_identity, **web) == ("NotImplementedException", 400, 0)
print("done")

"""Roles and policies as boto3's users make them: waiters, paginators, documents that come back as they were."""

import json

import boto3
from botocore.exceptions import ClientError

iam = boto3.client("iam")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*"}]}


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


role = iam.create_role(RoleName="by-boto3", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
assert role["AssumeRolePolicyDocument"] == TRUST, role
iam.get_waiter("role_exists").wait(RoleName="by-boto3")
policy = iam.create_policy(PolicyName="by-boto3", PolicyDocument=json.dumps(READ))["Policy"]
iam.get_waiter("policy_exists").wait(PolicyArn=policy["Arn"])
iam.attach_role_policy(RoleName="by-boto3", PolicyArn=policy["Arn"])
iam.put_role_policy(RoleName="by-boto3", PolicyName="inline", PolicyDocument=json.dumps(READ))
assert iam.get_role_policy(RoleName="by-boto3", PolicyName="inline")["PolicyDocument"] == READ
resource = boto3.resource("iam").Role("by-boto3")
assert [each.arn for each in resource.attached_policies.all()] == [policy["Arn"]]
assert refused(iam.delete_role, RoleName="by-boto3") == ("DeleteConflict", 409)
assert refused(iam.get_role, RoleName="none") == ("NoSuchEntity", 404)
assert refused(iam.create_role, RoleName="by-boto3", AssumeRolePolicyDocument=json.dumps(TRUST)) == (
    "EntityAlreadyExists",
    409,
)
# As sam does: the names of AWS's policies, by pages.
pages = iam.get_paginator("list_policies").paginate(Scope="AWS", OnlyAttached=False)
names = {each["PolicyName"]: each["Arn"] for page in pages for each in page["Policies"]}
assert names["AWSLambdaBasicExecutionRole"].endswith(":policy/service-role/AWSLambdaBasicExecutionRole"), names

iam.create_instance_profile(InstanceProfileName="by-boto3")
iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="by-boto3")
iam.delete_instance_profile(InstanceProfileName="by-boto3")
iam.detach_role_policy(RoleName="by-boto3", PolicyArn=policy["Arn"])
iam.delete_role_policy(RoleName="by-boto3", PolicyName="inline")
iam.delete_role(RoleName="by-boto3")
iam.delete_policy(PolicyArn=policy["Arn"])
print("done")

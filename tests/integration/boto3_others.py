"""Asks other AWS services at Thaw's endpoint, each in another protocol: boto3 has to show Thaw's sentence, at once."""

import os
import sys

import boto3
from botocore.exceptions import ClientError

CALLS = {
    # A service that Thaw has, and an operation that it does not.
    "cloudformation": ("list_types", {}),
    "sns": ("list_topics", {}),
    "ssm": ("list_documents", {}),
    "dynamodb": ("list_tables", {}),
    "sqs": ("list_queues", {}),
    "kinesis": ("list_streams", {}),
    "cloudwatch": ("list_metrics", {}),
    "ec2": ("describe_vpcs", {}),
    "route53": ("list_hosted_zones", {}),
    "apigateway": ("get_api_keys", {}),
}

wrong = []
for service, (operation, arguments) in CALLS.items():
    client = boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL_LAMBDA"])
    try:
        getattr(client, operation)(**arguments)
        wrong.append(f"{service}: it worked")
    except ClientError as error:
        answer = error.response
        attempts = answer["ResponseMetadata"].get("RetryAttempts", 0)
        if "Thaw does not have" not in str(error) or attempts != 0:
            wrong.append(f"{service}: {error}, {attempts} more attempts")
    except Exception as error:
        wrong.append(f"{service}: {type(error).__name__}: {error}")
print("\n".join(wrong))
sys.exit(len(wrong))

"""Makes a REST API by boto3, piece by piece, and prints its id. Arguments: ARN of the function, name of the stage."""

import os
import sys

import boto3

function, stage = sys.argv[1:]
region = os.environ["AWS_REGION"]
client = boto3.client("apigateway", endpoint_url=os.environ["AWS_ENDPOINT_URL_LAMBDA"])
api = client.create_rest_api(name="by-boto3", endpointConfiguration={"types": ["REGIONAL"]})["id"]
pages = client.get_paginator("get_resources").paginate(restApiId=api)
root = next(item["id"] for page in pages for item in page["items"] if item["path"] == "/")
resource = client.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
place = {"restApiId": api, "resourceId": resource, "httpMethod": "ANY"}
validator = client.create_request_validator(restApiId=api, name="both", validateRequestBody=True)["id"]
change = {"op": "replace", "path": "/validateRequestBody", "value": "false"}
client.update_request_validator(restApiId=api, requestValidatorId=validator, patchOperations=[change])
pages = client.get_paginator("get_request_validators").paginate(restApiId=api)
shown = [item for page in pages for item in page["items"]]
assert [item["validateRequestBody"] for item in shown] == [False], shown
client.put_method(**place, authorizationType="NONE", requestValidatorId=validator)
client.put_integration(
    **place,
    type="AWS_PROXY",
    integrationHttpMethod="POST",
    uri=f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations",
)
shown = client.get_method(**place)
assert shown["methodIntegration"]["timeoutInMillis"] == 29000, shown
client.create_deployment(restApiId=api, stageName=stage, variables={"color": "red"})
assert client.get_stage(restApiId=api, stageName=stage)["variables"] == {"color": "red"}
try:
    client.get_resource(restApiId=api, resourceId="none")
    sys.exit("a resource that is not there was found")
except client.exceptions.NotFoundException:
    pass
print(api)

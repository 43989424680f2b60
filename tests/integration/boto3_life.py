"""boto3, unmodified: create, waiter, publish, waiter, weighted alias, invoke, delete. Prints what it saw as JSON."""

import base64
import json
import sys

import boto3

client = boto3.client("lambda")
name = "boto3"
with open(sys.argv[1], "rb") as file:
    code = file.read()
client.create_function(
    FunctionName=name,
    Runtime="nodejs24.x",
    Handler="index.handler",
    Role="arn:aws:iam::000000000000:role/x",
    Code={"ZipFile": code},
    SnapStart={"ApplyOn": "PublishedVersions"},
    MemorySize=256,
)
client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
version = client.publish_version(FunctionName=name)["Version"]
client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1})
client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
reply = client.invoke(FunctionName=name, Qualifier="live", Payload=json.dumps({"name": "Barbara"}), LogType="Tail")
log = base64.b64decode(reply["LogResult"]).decode()
answer = json.load(reply["Payload"])
optimization = client.get_function_configuration(FunctionName=name, Qualifier=version)["SnapStart"][
    "OptimizationStatus"
]
client.update_function_configuration(FunctionName=name, Timeout=7)
client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
second = client.publish_version(FunctionName=name)["Version"]
client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=second, WaiterConfig={"Delay": 1})
client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {second: 0.5}})
weighted = {client.invoke(FunctionName=name, Qualifier="live", Payload="{}")["ExecutedVersion"] for _ in range(40)}
client.delete_function(FunctionName=name)
try:
    client.get_function(FunctionName=name)
    gone = None
except client.exceptions.ResourceNotFoundException as error:
    gone = error.response["Error"]["Code"]
print(
    json.dumps(
        {
            "answer": answer,
            "optimization": optimization,
            "restored": "Restore Duration" in log,
            "weighted": sorted(weighted),
            "gone": gone,
        }
    )
)

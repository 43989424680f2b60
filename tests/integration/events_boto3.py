"""EventBridge by boto3: a rule with a transformer for an alias, events of which one matches, and what is refused."""

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL_LAMBDA"]
events = boto3.client("events", endpoint_url=endpoint)
bus = events.create_event_bus(Name="shop")["EventBusArn"]
pattern = {"source": ["shop"], "detail": {"price": [{"numeric": [">", 10]}], "name": [{"wildcard": "*dog*"}]}}
events.put_rule(Name="bought", EventBusName="shop", EventPattern=json.dumps(pattern))
transformer = {"InputPathsMap": {"name": "$.detail.name"}, "InputTemplate": '{"boto3":"<name> is sold"}'}
put = events.put_targets(
    Rule="bought",
    EventBusName="shop",
    Targets=[{"Id": "alias", "Arn": sys.argv[1], "InputTransformer": transformer}],
)
sales = [{"name": name, "price": price} for name, price in (("small dog", 12), ("big dog", 8), ("cat", 12))]
sale = {"Source": "shop", "DetailType": "bought", "EventBusName": bus}
entries = [{**sale, "Detail": json.dumps(detail)} for detail in sales]
answer = events.put_events(Entries=entries + [{"Source": "shop", "DetailType": "x", "Detail": "no JSON"}])
try:
    events.put_rule(Name="bad", EventPattern='{"source":"x"}')
    refused = None
except ClientError as error:
    refused = str(error)
pages = events.get_paginator("list_rules").paginate(EventBusName="shop")
print(
    json.dumps(
        {
            "failedTargets": put["FailedEntryCount"],
            "failed": [entry.get("ErrorCode") for entry in answer["Entries"]],
            "refused": refused,
            "rules": [rule["Name"] for page in pages for rule in page["Rules"]],
        }
    )
)

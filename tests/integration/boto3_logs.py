"""Logs of a function as AWS's clients read them: boto3's paginators, tokens, `aws logs tail --follow`, and the end."""

import json
import sys
from collections import defaultdict

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

function = sys.argv[1]
group = f"/aws/lambda/{function}"
logs = boto3.client("logs", config=Config(inject_host_prefix=False))
functions = boto3.client("lambda")


def invoke(text):
    # With its log the answer comes when the invoke is over: all its lines are there, and its environment is free.
    answer = functions.invoke(FunctionName=function, Payload=json.dumps({"text": text}), LogType="Tail")
    assert "FunctionError" not in answer, answer["Payload"].read()


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"].get("RetryAttempts", 0)
    return None


class Tail:
    """Polls as `aws logs tail --follow` does: on with the token, and without one again from the newest time."""

    def __init__(self, **wish):
        self.wish = {"logGroupName": group, "interleaved": True, **wish}
        self.seen = defaultdict(set)

    def poll(self):
        while True:
            page = logs.filter_log_events(**self.wish)
            for event in page["events"]:
                assert event["ingestionTime"] >= event["timestamp"] - 1, event
                if event["eventId"] not in self.seen[event["timestamp"]]:
                    self.seen[event["timestamp"]].add(event["eventId"])
                    yield event["message"]
            if self.seen:
                newest = max(self.seen)
                self.seen = defaultdict(set, {newest: self.seen[newest]})
                if "nextToken" not in page:
                    self.wish["startTime"] = newest
            self.wish.pop("nextToken", None)
            if "nextToken" not in page:
                return
            self.wish["nextToken"] = page["nextToken"]


invoke("first")
result = {}
tail = Tail(filterPattern="said")
result["tail"] = [list(tail.poll())]
invoke("second")
result["tail"].append(list(tail.poll()))
result["tail"].append(list(tail.poll()))

pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
result["groups"] = [found["logGroupName"] for page in pages for found in page["logGroups"]]
pages = logs.get_paginator("describe_log_streams").paginate(
    logGroupName=group, orderBy="LastEventTime", descending=True
)
streams = [found for page in pages for found in page["logStreams"]]
[newest] = streams
assert newest["firstEventTimestamp"] <= newest["lastEventTimestamp"] <= newest["lastIngestionTime"], newest

# As the SDKs' documentation has it: until the same token comes again.
messages = []
token = {}
while True:
    page = logs.get_log_events(
        logGroupName=group, logStreamName=newest["logStreamName"], startFromHead=True, limit=3, **token
    )
    messages += [event["message"] for event in page["events"]]
    if token.get("nextToken") == page["nextForwardToken"]:
        break
    token = {"nextToken": page["nextForwardToken"]}
result["kinds"] = [message.split(" ")[0].split("\t")[-1] for message in messages]
assert all(message.endswith("\n") for message in messages), messages

pages = logs.get_paginator("filter_log_events").paginate(
    logGroupName=group, filterPattern="{ $.said = second }", PaginationConfig={"PageSize": 1}
)
result["json"] = [event["message"] for page in pages for event in page["events"]]

result["bad pattern"] = refused(logs.filter_log_events, logGroupName=group, filterPattern="a:b")
result["live tail"] = refused(logs.start_live_tail, logGroupIdentifiers=[newest["arn"].split(":log-stream")[0]])

functions.delete_function(FunctionName=function)
result["after the function"] = len(logs.filter_log_events(logGroupName=group, filterPattern="said")["events"])
logs.put_retention_policy(logGroupName=group, retentionInDays=1)
result["retention"] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"]
logs.delete_log_group(logGroupName=group)
try:
    logs.filter_log_events(logGroupName=group)
except logs.exceptions.ResourceNotFoundException as error:
    result["gone"] = str(error).split(": ")[1]
print(json.dumps(result))

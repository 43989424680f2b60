"""EventBridge Scheduler by boto3: a schedule in a group that fires once and is gone, and what is refused."""

import datetime
import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

scheduler = boto3.client("scheduler", endpoint_url=os.environ["AWS_ENDPOINT_URL_LAMBDA"])
target = {
    "Arn": sys.argv[1],
    "RoleArn": "arn:aws:iam::000000000000:role/scheduler",
    "Input": '{"scheduler":"<aws.scheduler.schedule-arn>"}',
}
scheduler.create_schedule_group(Name="nightly", Tags=[{"Key": "team", "Value": "thaw"}])


def once_in(seconds):
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    start = when - datetime.timedelta(hours=1)
    return {
        "Name": "soon",
        "GroupName": "nightly",
        "ScheduleExpression": f"at({when:%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "StartDate": start,
        "Target": target,
    }


# It is looked at before it is soon, however long that takes.
later = once_in(3600)
made = scheduler.create_schedule(**later)
shown = scheduler.get_schedule(Name="soon", GroupName="nightly")
listed = scheduler.get_paginator("list_schedules").paginate(GroupName="nightly", NamePrefix="s", State="ENABLED")
group = scheduler.get_schedule_group(Name="nightly")
refused = []
for expression in ("rate(1 minutes)", "cron(* * * * * *)"):
    try:
        scheduler.create_schedule(
            Name="bad", ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
    except ClientError as error:
        refused.append(str(error).split(": ", 1)[1])
try:
    scheduler.get_schedule(Name="nobody")
except scheduler.exceptions.ResourceNotFoundException as error:
    refused.append(str(error).split(": ", 1)[1])
names = [schedule["Name"] for page in listed for schedule in page["Schedules"]]
tags = scheduler.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"]
scheduler.update_schedule(**once_in(10))
print(
    json.dumps(
        {
            "arn": made["ScheduleArn"],
            "start": shown["StartDate"].timestamp() == int(later["StartDate"].timestamp() * 1000) / 1000,
            "listed": names,
            "tags": tags,
            "refused": refused,
        }
    )
)

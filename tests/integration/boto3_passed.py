"""A SAM stack whose queues, table, stream, topic and secret are at another service, by boto3 alone."""

import json
import os

import boto3

AT_SERVICE = {
    "endpoint_url": os.environ["SERVICES_ENDPOINT"],
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}
stacks = boto3.client("cloudformation")
logs = boto3.client("logs")
functions = boto3.client("lambda")
sqs = boto3.client("sqs", **AT_SERVICE)
sns = boto3.client("sns", **AT_SERVICE)
dynamodb = boto3.client("dynamodb", **AT_SERVICE)
kinesis = boto3.client("kinesis", **AT_SERVICE)
secrets = boto3.client("secretsmanager", **AT_SERVICE)
NAME = "passed"
FAST = {"Delay": 1, "MaxAttempts": 300}

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Letters: { Type: AWS::SQS::Queue }
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 30
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Letters.Arn, maxReceiveCount: 5 }
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Statement:
          - { Effect: Allow, Principal: { Service: sns.amazonaws.com }, Action: sqs:SendMessage, Resource: "*" }
  Topic:
    Type: AWS::SNS::Topic
    Properties: { Subscription: [{ Protocol: sqs, Endpoint: !GetAtt Queue.Arn }] }
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      BillingMode: PAY_PER_REQUEST
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  Simple: { Type: AWS::Serverless::SimpleTable }
  Clicks: { Type: AWS::Kinesis::Stream, Properties: { ShardCount: 1 } }
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: { SecretStringTemplate: '{"user":"admin"}', GenerateStringKey: password }
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        const sourceOf = (record) => record.eventSource.split(":")[1];
        exports.handler = async ({ Records, ask }) => {
          if (ask) return { user: process.env.USER_NAME, queue: process.env.QUEUE, table: process.env.TABLE };
          for (const record of Records) console.log("read from " + sourceOf(record), JSON.stringify(record));
        };
      Handler: index.handler
      Runtime: nodejs24.x
      Timeout: 30
      Environment:
        Variables:
          QUEUE: !Ref Queue
          TABLE: !Ref Orders
          USER_NAME: !Sub "{{resolve:secretsmanager:${Secret}:SecretString:user}}"
      Events:
        Queued: { Type: SQS, Properties: { Queue: !GetAtt Queue.Arn, BatchSize: 1 } }
        Changed: { Type: DynamoDB, Properties: { Stream: !GetAtt Orders.StreamArn, StartingPosition: TRIM_HORIZON } }
        Clicked: { Type: Kinesis, Properties: { Stream: !GetAtt Clicks.Arn, StartingPosition: TRIM_HORIZON } }
Outputs:
  Reader: { Value: !Ref Reader }
  Topic: { Value: !Ref Topic }
  Queue: { Value: !Ref Queue }
  Clicks: { Value: !Ref Clicks }
"""


def read_from(group, source, text):
    """Waits until a record with this text has been logged; the test's own limit ends it."""
    while True:
        found = logs.filter_log_events(logGroupName=group, filterPattern=f'"read from {source}"')
        if any(text in each["message"] for each in found["events"]):
            return


capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
stacks.create_stack(StackName=NAME, TemplateBody=TEMPLATE, Capabilities=capabilities)
stacks.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig=FAST)
outputs = {
    each["OutputKey"]: each["OutputValue"] for each in stacks.describe_stacks(StackName=NAME)["Stacks"][0]["Outputs"]
}
group = f"/aws/lambda/{outputs['Reader']}"
answer = functions.invoke(FunctionName=outputs["Reader"], Payload=json.dumps({"ask": True}))
asked = json.load(answer["Payload"])
assert asked["user"] == "admin", asked
assert asked["queue"] == outputs["Queue"], asked

sqs.send_message(QueueUrl=outputs["Queue"], MessageBody="by queue")
read_from(group, "sqs", "by queue")
sns.publish(TopicArn=outputs["Topic"], Message="by topic")
read_from(group, "sqs", "by topic")
dynamodb.put_item(TableName=asked["table"], Item={"id": {"S": "by table"}})
read_from(group, "dynamodb", "by table")
kinesis.put_record(StreamName=outputs["Clicks"], PartitionKey="k", Data=b"by stream")
read_from(group, "kinesis", "Ynkgc3RyZWFt")

stacks.update_stack(
    StackName=NAME,
    TemplateBody=TEMPLATE.replace("VisibilityTimeout: 30", "VisibilityTimeout: 45").replace(
        "Simple: { Type: AWS::Serverless::SimpleTable }", "More: { Type: AWS::SQS::Queue }"
    ),
    Capabilities=capabilities,
)
stacks.get_waiter("stack_update_complete").wait(StackName=NAME, WaiterConfig=FAST)
now = sqs.get_queue_attributes(QueueUrl=outputs["Queue"], AttributeNames=["VisibilityTimeout"])
assert now["Attributes"]["VisibilityTimeout"] == "45", now
assert len(dynamodb.list_tables()["TableNames"]) == 1

stacks.delete_stack(StackName=NAME)
stacks.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig=FAST)
assert "QueueUrls" not in sqs.list_queues(), sqs.list_queues()
assert sns.list_topics()["Topics"] == []
assert sns.list_subscriptions()["Subscriptions"] == []
assert dynamodb.list_tables()["TableNames"] == []
assert kinesis.list_streams()["StreamNames"] == []
assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
print("done")

import boto3

client = boto3.client("ssm")
PASSWORD = client.get_parameter(Name="/database/password", WithDecryption=True)["Parameter"]["Value"]
client.close()


def handler(event, context):
    return {"length": len(PASSWORD)}

"""Repositories as cdk and osls ask for them: there is none, one is made, and no image goes into it."""

import json

import boto3
from botocore.exceptions import ClientError

ecr = boto3.client("ecr")


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], str(error)
    return None


assert refused(ecr.describe_repositories, repositoryNames=["none"])[:2] == ("RepositoryNotFoundException", 400)
made = ecr.create_repository(repositoryName="team/app", tags=[{"Key": "a", "Value": "b"}])["repository"]
assert made["repositoryUri"] == "000000000000.dkr.ecr.us-east-1.amazonaws.com/team/app", made
assert refused(ecr.create_repository, repositoryName="team/app")[:2] == ("RepositoryAlreadyExistsException", 400)
SELECTION = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countNumber": 365, "countUnit": "days"}
RULES = json.dumps({"rules": [{"rulePriority": 1, "selection": SELECTION, "action": {"type": "expire"}}]})
ecr.put_lifecycle_policy(repositoryName="team/app", lifecyclePolicyText=RULES)
assert ecr.get_lifecycle_policy(repositoryName="team/app")["lifecyclePolicyText"] == RULES
assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "a", "Value": "b"}]
assert ecr.list_images(repositoryName="team/app")["imageIds"] == []
code, status, text = refused(ecr.get_authorization_token)
assert (code, status) == ("NotImplementedException", 400) and "--image-registry" in text, text
code, _, text = refused(ecr.describe_images, repositoryName="team/app", imageIds=[{"imageTag": "x"}])
assert code == "ImageNotFoundException" and "--image-registry" in text, text
ecr.delete_repository(repositoryName="team/app")
assert ecr.describe_repositories()["repositories"] == []
print("done")

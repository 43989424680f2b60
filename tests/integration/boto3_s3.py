"""S3 through boto3: transfers in parts, paginators, links of both signatures, and code of functions and layers."""

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/x"
zip_path, scratch = sys.argv[1:]
endpoint = os.environ["AWS_ENDPOINT_URL_LAMBDA"]
s3 = boto3.client("s3", endpoint_url=endpoint)
functions = boto3.client("lambda", endpoint_url=endpoint)


def fetch(url, data=None, method=None):
    headers = {} if data is None else {"Content-Type": "text/x"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as response:
        return response.read()


def status_of(url):
    try:
        fetch(url)
        return 200
    except urllib.error.HTTPError as error:
        return error.code


def transfers():
    """Files in parts of 5 MiB, several at once, up and down."""
    path = os.path.join(scratch, "large")
    with open(path, "wb") as file:
        for block in range(21):
            file.write(bytes([block]) * 2**20)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    parts = TransferConfig(multipart_threshold=2**20, multipart_chunksize=5 * 2**20, max_concurrency=4)
    for number, extra in enumerate(({}, {"ChecksumAlgorithm": "SHA1"}, {"ChecksumAlgorithm": "SHA256"})):
        s3.upload_file(path, "boto", f"large/{number}", ExtraArgs={"Metadata": {"a": "1"}, **extra}, Config=parts)
        s3.download_file("boto", f"large/{number}", f"{path}.{number}", Config=parts)
        with open(f"{path}.{number}", "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == digest, number
        head = s3.head_object(Bucket="boto", Key=f"large/{number}")
        assert head["ETag"].endswith('-5"') and head["Metadata"] == {"a": "1"}, head
    s3.copy({"Bucket": "boto", "Key": "large/0"}, "boto", "copied", Config=parts)
    assert hashlib.sha256(s3.get_object(Bucket="boto", Key="copied")["Body"].read()).hexdigest() == digest
    return len(s3.list_multipart_uploads(Bucket="boto").get("Uploads", []))


def lists():
    for number in range(25):
        s3.put_object(Bucket="boto", Key=f"many/{number % 5}/{number}", Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="boto", Prefix="many/", PaginationConfig={"PageSize": 10}
    )
    keys = [each["Key"] for page in pages for each in page["Contents"]]
    assert keys == sorted(keys)
    pages = s3.get_paginator("list_objects").paginate(
        Bucket="boto", Prefix="many/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    prefixes = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    objects = [{"Key": key} for key in keys]
    assert "Errors" not in s3.delete_objects(Bucket="boto", Delete={"Objects": objects})
    return [len(keys), prefixes]


def links():
    """boto3 signs links with version 2 in us-east-1, unless it is told otherwise."""
    found = []
    for config in (None, Config(signature_version="s3v4")):
        client = boto3.client("s3", endpoint_url=endpoint, config=config)
        key = {"Bucket": "boto", "Key": "link ü+1"}
        put = client.generate_presigned_url("put_object", Params={**key, "ContentType": "text/x"})
        fetch(put, b"linked", "PUT")
        url = client.generate_presigned_url("get_object", Params={**key, "ResponseContentType": "text/x"})
        assert fetch(url) == b"linked"
        found.append(["AWSAccessKeyId" in url, status_of(url.replace("link", "lost"))])
    return found


def code():
    """A function and a layer out of versions of an object, and the link to its package."""
    s3.put_bucket_versioning(Bucket="boto", VersioningConfiguration={"Status": "Enabled"})
    with open(zip_path, "rb") as file:
        package = file.read()
    good = s3.put_object(Bucket="boto", Key="f.zip", Body=package)["VersionId"]
    s3.put_object(Bucket="boto", Key="f.zip", Body=b"no zip")
    of = {"S3Bucket": "boto", "S3Key": "f.zip", "S3ObjectVersion": good}
    functions.create_function(FunctionName="from-s3", Runtime="nodejs24.x", Handler="index.handler", Role=ROLE, Code=of)
    functions.get_waiter("function_active_v2").wait(FunctionName="from-s3")
    answer = json.load(functions.invoke(FunctionName="from-s3", Payload=b'{"name":"Mary"}')["Payload"])
    layer = functions.publish_layer_version(LayerName="from-s3", Content=of)
    links = [
        functions.get_function(FunctionName="from-s3")["Code"]["Location"],
        layer["Content"]["Location"],
    ]
    assert all(fetch(link) == package for link in links)
    refusals = []
    current = {"S3Bucket": "boto", "S3Key": "f.zip"}
    for wrong in ({**of, "S3ObjectVersion": "none"}, {**current, "S3Key": "none"}, {**current, "S3Bucket": "none"}):
        try:
            functions.update_function_code(FunctionName="from-s3", **wrong)
        except ClientError as error:
            refusals.append(error.response["Error"]["Message"].split("S3 Error Code: ")[1])
    functions.delete_function(FunctionName="from-s3")
    functions.delete_layer_version(LayerName="from-s3", VersionNumber=layer["Version"])
    return [answer["hello"], refusals]


s3.create_bucket(Bucket="boto")
print(json.dumps({"left": transfers(), "lists": lists(), "links": links(), "code": code()}))

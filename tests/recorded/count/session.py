"""A recorded test, played again: requests go out through boto3, each answer is judged beside the recorded one."""

import io
import os
import time
import zipfile

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.exceptions
import botocore.httpsession
import botocore.session
from comparing import Comparison

ROLE = "arn:aws:iam::000000000000:role/r"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
WAIT_S = 60

client = boto3.client(
    "lambda",
    config=botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=70),
)


def package(files):
    """A zip of text files by name; bytes are one already."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def admin(method, path, content=None):
    """The body of an answer of Thaw's own API."""
    url = f"{os.environ['THAW_ENDPOINT']}/_thaw/v1/{path}"
    headers = {} if content is None else {"content-type": "application/octet-stream"}
    request = botocore.awsrequest.AWSRequest(method, url, headers=headers, data=content)
    credentials = botocore.session.get_session().get_credentials()
    botocore.auth.SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    answer = botocore.httpsession.URLLib3Session().send(request.prepare())
    if answer.status_code >= 300:
        raise RuntimeError(answer.text)
    return answer.text


ECHO = package({"handler.py": "def handler(event, context):\n    return event\n"})


class Session:
    def __init__(self, test, parameter, responses, runtimes):
        self.test = test
        self.parameter = parameter
        self.responses = responses
        self.name = f"fn-{abs(hash((test, parameter))) % 10**9}"
        self.arn = ARN + self.name
        self.results = {}
        self.comparison = Comparison(runtimes)
        self.runtimes = runtimes

    def call(self, operation, step=None, **given):
        """Sends a request; with a step its answer is judged, without one it must succeed."""
        try:
            answer = getattr(client, operation)(**given)
        except botocore.exceptions.ClientError as error:
            if step is None:
                raise
            answer = error.response
        if "Payload" in answer:
            answer["Payload"] = answer["Payload"].read().decode()
        if step is not None:
            self.judge(step, answer)
        return answer

    def judge(self, step, answer):
        recorded = self.responses[step]
        if isinstance(recorded, dict) and "CreateFunctionResponse" in recorded:
            recorded = recorded["CreateFunctionResponse"]
        self.results[step] = self.comparison.differences(recorded, answer)

    def options(self, **others):
        """What a test that says nothing creates a function with."""
        wanted = {
            "FunctionName": self.name,
            "Role": ROLE,
            "Runtime": "python3.12",
            "Handler": "handler.handler",
            "Timeout": 30,
            "Environment": {"Variables": {}},
            "Code": {"ZipFile": ECHO},
            **others,
        }
        wanted = {key: value for key, value in wanted.items() if value is not None}
        runtime = wanted.get("Runtime")
        return {**wanted, "Runtime": self.runtimes.get(runtime, runtime)} if runtime else wanted

    def create(self, step=None, wait=True, **others):
        answer = self.call("create_function", step, **self.options(**others))
        if wait:
            self.settled(others.get("FunctionName", self.name))
        return answer

    def settled(self, name=None, qualifier=None):
        """As a client's waiters do."""
        wanted = {"FunctionName": name or self.name, **({"Qualifier": qualifier} if qualifier else {})}
        end = time.monotonic() + WAIT_S
        while True:
            now = client.get_function_configuration(**wanted)
            if now.get("State") != "Pending" and now.get("LastUpdateStatus") != "InProgress":
                return now
            if time.monotonic() > end:
                raise TimeoutError(f"{wanted} is still {now.get('State')}")
            time.sleep(0.05)

    def publish(self, step=None, name=None, **others):
        answer = self.call("publish_version", step, FunctionName=name or self.name, **others)
        self.settled(name, answer.get("Version"))
        return answer

    def invoke(self, step=None, payload="{}", **others):
        return self.call("invoke", step, FunctionName=self.name, Payload=payload, **others)

    def eventually(self, look):
        end = time.monotonic() + WAIT_S
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                raise TimeoutError("it never became so")
            time.sleep(0.05)

    def remove(self):
        try:
            client.delete_function(FunctionName=self.name)
        except botocore.exceptions.ClientError:
            pass

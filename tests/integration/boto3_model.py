"""
Requests that are generated from boto3's model: for each member of each operation a valid one and several invalid ones,
against the server that the environment names. Prints as JSON what it sent and what was not as it must be: a status of
5xx, an error without a code or a text, an invalid value that is taken, a value that is taken and not shown.
"""

import base64
import io
import json
import re
import sys
import zipfile

import boto3
import botocore.exceptions
from botocore.config import Config

client = boto3.client(
    "lambda",
    config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=60),
)
model = client.meta.service_model
ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:"
LIST_MAX = 200
TEXT_MAX = 20_000


def package():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("index.js", "exports.handler = async (event) => event;")
    return held.getvalue()


ZIP = package()
FUNCTION = {
    "Role": "arn:aws:iam::000000000000:role/r",
    "Runtime": "nodejs24.x",
    "Handler": "index.handler",
    "Code": {"ZipFile": ZIP},
}


def prepare():
    """What the requests name: a function `f` with a version, an alias and all that belongs to them."""
    client.create_function(FunctionName="f", Publish=True, **FUNCTION)
    client.get_waiter("published_version_active").wait(FunctionName="f", Qualifier="1", WaiterConfig={"Delay": 1})
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": ZIP})
    signing = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [SIGNER]})
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    mapping = client.create_event_source_mapping(FunctionName="f", EventSourceArn=queue)
    client.create_function_url_config(FunctionName="f", AuthType="NONE")
    return {
        "UUID": mapping["UUID"],
        "CodeSigningConfigArn": signing["CodeSigningConfig"]["CodeSigningConfigArn"],
        "Arn": layer["LayerVersionArn"],
        "Layers": [layer["LayerVersionArn"]],
    }


SIGNER = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"
"""Valid values by the name of the member, where the model alone does not say one."""
VALUES = {
    "FunctionName": "f",
    "Qualifier": "1",
    "FunctionVersion": "1",
    "LayerName": "l",
    "VersionNumber": 1,
    "Resource": ACCOUNT + "function:f",
    "Role": FUNCTION["Role"],
    "Runtime": FUNCTION["Runtime"],
    "Code": FUNCTION["Code"],
    "Content": {"ZipFile": ZIP},
    "Payload": b"{}",
    "InvokeArgs": b"{}",
    "Principal": "s3.amazonaws.com",
    "SourceArn": "arn:aws:s3:::bucket",
    "SourceAccount": "000000000000",
    "PrincipalOrgID": "o-1234567890",
    "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:other",
    "SigningProfileVersionArns": [SIGNER],
    "AllowedPublishers": {"SigningProfileVersionArns": [SIGNER]},
    "ClientContext": base64.b64encode(b"{}").decode(),
    "ResourceArn": ACCOUNT + "function:f",
    "TagKeys": ["a"],
    "Tags": {"a": "b"},
    "ReservedConcurrentExecutions": 1,
    "ProvisionedConcurrentExecutions": 1,
    "Environment": {"Variables": {"NAME": "value"}},
    "Pattern": '{"a":["b"]}',
    "RoutingConfig": {"AdditionalVersionWeights": {}},
    "MaximumConcurrency": 2,
    "Principal*": "*",
}
"""By operation, where a member means something else."""
OF = {
    "CreateFunction": {"FunctionName": "new"},
    "CreateAlias": {"Name": "new"},
    "GetAlias": {"Name": "live"},
    "UpdateAlias": {"Name": "live"},
    "AddPermission": {"StatementId": "new", "Action": "lambda:InvokeFunction", "Qualifier": "live"},
    "AddLayerVersionPermission": {"StatementId": "new", "Action": "lambda:GetLayerVersion", "Principal": "*"},
    "CreateFunctionUrlConfig": {"Qualifier": "live"},
    "GetFunctionUrlConfig": {"Qualifier": "live"},
    "UpdateFunctionUrlConfig": {"Qualifier": "live"},
    "Invoke": {"InvocationType": "DryRun"},
    "InvokeWithResponseStream": {"InvocationType": "DryRun"},
}
"""What a request makes is removed again, so that the next one of its operation finds what the first one found."""
UNDO = {
    "CreateFunction": lambda given: client.delete_function(FunctionName=given["FunctionName"]),
    "CreateAlias": lambda given: client.delete_alias(FunctionName="f", Name=given["Name"]),
    "AddPermission": lambda given: client.remove_permission(
        **{key: given[key] for key in ("FunctionName", "Qualifier", "StatementId") if key in given}
    ),
    "AddLayerVersionPermission": lambda given: client.remove_layer_version_permission(
        LayerName="l", VersionNumber=1, StatementId=given["StatementId"]
    ),
    "CreateFunctionUrlConfig": lambda given: client.delete_function_url_config(FunctionName="f", Qualifier="live"),
    "CreateEventSourceMapping": lambda given, answer: client.delete_event_source_mapping(UUID=answer["UUID"]),
    "PutFunctionConcurrency": lambda given: client.delete_function_concurrency(FunctionName="f"),
    "PutProvisionedConcurrencyConfig": lambda given: client.delete_provisioned_concurrency_config(
        FunctionName="f", Qualifier="1"
    ),
}
"""Operations that take away what the others need: they are sent for what is not there."""
REMOVING = re.compile(r"^(Delete|Remove|Untag)")


class Generated:
    def __init__(self, fixtures):
        self.values = {**VALUES, **fixtures}
        self.sent = 0
        self.refused = 0
        self.problems = []

    def value(self, operation, name, shape, depth=0):
        """A valid value."""
        named = {**self.values, **OF.get(operation, {})}
        if name in named:
            return named[name]
        kind = shape.type_name
        if kind == "structure":
            members = shape.members if depth < 3 else {}
            return {key: self.value(operation, key, each, depth + 1) for key, each in members.items()}
        if kind == "list":
            return [self.value(operation, "", shape.member, depth + 1)]
        if kind == "map":
            key = self.value(operation, "", shape.key, depth + 1)
            return {key: self.value(operation, "", shape.value, depth + 1)}
        if kind == "string":
            if shape.enum:
                return shape.enum[0]
            return "a" * max(1, shape.metadata.get("min", 1))
        if kind in ("integer", "long"):
            return max(1, shape.metadata.get("min", 1))
        return {"boolean": True, "blob": b"{}", "timestamp": 1, "double": 0.5, "float": 0.5}[kind]

    def invalid(self, shape):
        """Values that the model does not allow, as far as boto3 can put them into a request."""
        kind, facts = shape.type_name, shape.metadata
        if kind == "string":
            # In a path, a query or a header there is only text.
            if "location" not in shape.serialization:
                yield from ([True], {"a": 1}, 7)
            if shape.enum and shape.name not in OPEN_ENUMS:
                yield from ("nope", "x" * 5000, "\u0000", "💥")
            if "max" in facts and not shape.enum:
                yield "a" * min(facts["max"] + 1, TEXT_MAX) if facts["max"] < TEXT_MAX else None
            if "pattern" in facts and shape.name not in OPEN_PATTERNS:
                yield "?! \t§"
        elif kind in ("integer", "long"):
            yield from ("x", 1e300)
            if "location" not in shape.serialization:
                yield from ({}, [])
            if "min" in facts:
                yield from (facts["min"] - 1, -(2**63))
            if "max" in facts:
                yield from (facts["max"] + 1, 2**63)
        elif kind in ("boolean", "double"):
            yield from ("x", {}, [])
        elif kind == "list":
            for wrong in self.invalid(shape.member):
                if wrong is not None:
                    yield [wrong]
            if facts.get("max", LIST_MAX) < LIST_MAX:
                yield [self.value("", "", shape.member)] * (facts["max"] + 1)
        elif kind in ("map", "structure"):
            if kind == "structure":
                for name, member in shape.members.items():
                    for wrong in self.invalid(member):
                        yield None if wrong is None else {name: wrong}

    def send(self, operation, given, member, is_valid):
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()
        method = {v: k for k, v in client.meta.method_to_api_mapping.items()}.get(operation, name)
        self.sent += 1
        where = f"{operation} {member} {str(given.get(member))[:80]!r}"
        try:
            answer = getattr(client, method)(**given)
        except botocore.exceptions.ClientError as error:
            self.refused += 1
            response = error.response
            status = response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 500:
                self.problems.append(f"{where}: {status} {response['Error']}")
            elif not response["Error"].get("Code") or response["Error"]["Code"] == str(status):
                self.problems.append(f"{where}: an error without a code: {response['Error']}")
            return
        except (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError) as error:
            self.problems.append(f"{where}: {error!r}")
            return
        except Exception:
            # What the client itself can't put into a request was not sent.
            self.sent -= 1
            return
        undo = UNDO.get(operation)
        if undo is not None:
            undo(given, answer) if operation == "CreateEventSourceMapping" else undo(given)
        if not is_valid:
            self.problems.append(f"{where}: an invalid value is taken")
        elif (
            member in answer
            and (operation, member) not in SHOWN_OTHERWISE
            and not is_shown(given[member], answer[member])
        ):
            self.problems.append(f"{where}: shown as {answer[member]!r}")

    def run(self):
        for operation in model.operation_names:
            shape = model.operation_model(operation).input_shape
            if shape is None:
                continue
            required = {name: self.value(operation, name, shape.members[name]) for name in shape.required_members}
            if REMOVING.match(operation):
                required = {name: ABSENT.get(name, value) for name, value in required.items()}
            for name, member in shape.members.items():
                valid = required.get(name, self.value(operation, name, member))
                if not REMOVING.match(operation):
                    self.send(operation, {**required, name: valid}, name, True)
                for wrong in self.invalid(member):
                    if wrong is not None:
                        self.send(operation, {**required, name: wrong}, name, False)


ABSENT = {
    "FunctionName": "nobody",
    "Name": "nobody",
    "LayerName": "nobody",
    "UUID": "00000000-0000-0000-0000-000000000000",
    "CodeSigningConfigArn": ACCOUNT + "code-signing-config:csc-00000000000000000",
    "Resource": ACCOUNT + "function:nobody",
}
"""Enumerations whose values are not checked with the rest of the request: AWS looks at them later, in other words."""
OPEN_ENUMS = set()
"""Patterns that take any text."""
OPEN_PATTERNS = {"Pattern", "LicenseInfo", "Header"}
"""Code is shown by its place; a version that would be the last one once more is the last one."""
SHOWN_OTHERWISE = {("PublishLayerVersion", "Content"), ("PublishVersion", "Description")}


def is_shown(given, shown):
    if isinstance(given, dict) and isinstance(shown, dict):
        return all(key in shown and is_shown(value, shown[key]) for key, value in given.items())
    if isinstance(given, list) and isinstance(shown, list):
        return len(given) == len(shown)
    return isinstance(shown, dict | list) or given == shown or isinstance(given, bytes)


generated = Generated(prepare())
generated.run()
json.dump({"sent": generated.sent, "refused": generated.refused, "problems": generated.problems}, sys.stdout)

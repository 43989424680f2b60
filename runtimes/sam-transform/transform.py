"""The transform AWS::Serverless-2016-10-31 by AWS's own library, for one server.

A request is a line of JSON on the standard input: {"template", "parameters", "region"}. Its answer is a line on the
standard output: {"template"}, {"invalid": what is wrong with the template}, or {"failed": what the library could not
do}. The first line of output says that the process is ready: {"ready": version of the library}.

It asks nobody anything: the names of managed policies are the library's own list, and the Serverless Application
Repository is in no Region.
"""

import contextlib
import functools
import importlib
import json
import logging
import os
import pathlib
import pkgutil
import sys

from contain import end_with_parent, forbid_system_calls, limit_resources

MEMORY_BYTES = 1 << 30
LINE_BYTES_MAX = 8 << 20
ANSWER_BYTES_MAX = 16 << 20
# Templates have at most 200 levels; a level takes a few calls of the library.
RECURSION_MAX = 6000


class Session:
    """Stands for boto3's, which would look for files of settings and ask for services."""

    region_name = "us-east-1"

    def get_available_regions(self, *_service: object, **_options: object) -> list[str]:
        return []


class NoPolicies:
    """The library asks IAM for managed policies that are not in its own list; there are none."""

    def load(self) -> dict[str, str]:
        return {}


session = Session()


def load_library() -> None:
    """Imports all of it: no file can be opened once the system calls are forbidden."""
    package = importlib.import_module("samtranslator")
    for module in pkgutil.walk_packages(package.__path__, "samtranslator."):
        # Programs of its authors need what is not installed, and a transform does not need them.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module.name)
    boto3 = importlib.import_module("boto3")
    boto3.DEFAULT_SESSION = session
    boto3.Session = boto3.session.Session = lambda *_arguments, **_options: session
    sys.modules["samtranslator.translator.translator"].Session = boto3.Session
    sys.modules["samtranslator.sdk.parameter"].Session = boto3.Session
    processor = sys.modules["samtranslator.policy_template_processor.processor"].PolicyTemplatesProcessor
    processor._read_json = staticmethod(read_json)
    logging.disable()


@functools.cache
def read_text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


def read_json(path: pathlib.Path) -> dict:
    """Gives what the library reads for each template, from the second time on without the file."""
    return json.loads(read_text(path))


def transform(request: dict) -> dict:
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.arn_generator import ArnGenerator
    from samtranslator.translator.transform import transform as by_library

    session.region_name = ArnGenerator.BOTO_SESSION_REGION_NAME = request["region"]
    try:
        # Metadata say how a function is primed, and which resource it was.
        return {
            "template": by_library(request["template"], request["parameters"], NoPolicies(), passthrough_metadata=True)
        }
    except InvalidDocumentException as error:
        return {"invalid": " ".join([error.message, *(cause.message for cause in error.causes)])}
    except MemoryError:
        # What is left of the library's state is not known.
        raise
    except Exception as error:  # noqa: BLE001 (any error of the library is one of this template)
        return {"failed": f"{type(error).__name__}: {error}"[:1000]}


def write_line(answer: dict) -> None:
    line = json.dumps(answer).encode() + b"\n"
    if len(line) > ANSWER_BYTES_MAX:
        line = json.dumps({"failed": f"the result is larger than {ANSWER_BYTES_MAX} bytes"}).encode() + b"\n"
    view = memoryview(line)
    while view:
        view = view[os.write(1, view) :]


def main() -> None:
    sys.path.append(sys.argv[1])
    sys.setrecursionlimit(RECURSION_MAX)
    end_with_parent()
    load_library()
    # What the library reads at its first use only.
    from samtranslator import __version__

    transform({"template": WARM_UP, "parameters": {}, "region": "us-east-1"})
    limit_resources(MEMORY_BYTES)
    forbid_system_calls()
    write_line({"ready": __version__})
    while line := sys.stdin.buffer.readline(LINE_BYTES_MAX):
        if not line.endswith(b"\n"):
            sys.exit("a request is larger than a line may be")
        write_line(transform(json.loads(line)))


WARM_UP = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Warm": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Handler": "index.handler",
                "Runtime": "nodejs24.x",
                "CodeUri": "s3://bucket/key",
                "AutoPublishAlias": "live",
                "Policies": [{"SQSPollerPolicy": {"QueueName": "queue"}}, "AWSLambdaExecute"],
                "Events": {
                    "Rest": {"Type": "Api", "Properties": {"Path": "/a", "Method": "get"}},
                    "Http": {"Type": "HttpApi", "Properties": {"Path": "/a", "Method": "get"}},
                },
            },
        }
    },
}

if __name__ == "__main__":
    main()

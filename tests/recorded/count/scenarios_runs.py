"""What leads to the answers that are recorded of functions that run: their code is of the kind that answers so."""

import base64
import glob
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from session import ECHO, admin, client, package

SCENARIOS = {}
RUN = "test_lambda."


def scenario(*names):
    def add(run):
        for name in names:
            SCENARIOS[name if name.startswith("test_") else RUN + name] = run
        return run

    return add


def python(body, head=""):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return {"Code": {"ZipFile": package({"handler.py": f"{head}\ndef handler(event, context):\n{lines}"})}}


def node(body):
    code = package({"handler.js": f"let counter = 0;\nexports.handler = async (event, context) => {{ {body} }};\n"})
    return {"Code": {"ZipFile": code}, "Runtime": "nodejs20.x"}


@scenario("TestLambdaBehavior.test_lambda_cache_local")
def cache(test):
    kept = "global counter\nresult = {'counter': counter}\ncounter += 1\nreturn result"
    test.create(**(node("return {counter: counter++};") if test.parameter == "nodejs" else python(kept, "counter = 0")))
    test.invoke("first_invoke_result")
    test.invoke("second_invoke_result")


@scenario("TestLambdaBehavior.test_lambda_init_environment")
def init_environment(test):
    found = python("return {'environment': dict(os.environ)}", "import os")
    test.create("create-result", Runtime="python3.14", **found)
    test.comparison.renamed = {
        "AWS_Lambda_python3.14": "AWS_Lambda_" + test.runtimes.get("python3.14", "python3.14"),
        **test.comparison.renamed,
    }
    test.invoke("lambda-init-inspection")


@scenario("TestLambdaBehavior.test_lambda_invoke_with_timeout")
def timeout(test):
    test.create("create-result", Timeout=1, **python("import time\ntime.sleep(5)"))
    test.invoke("invoke-result")


@scenario("TestLambdaBehavior.test_mixed_architecture")
def architectures(test):
    test.create("create_function_response")
    wanted = {"FunctionName": test.name, "ZipFile": ECHO, "Architectures": ["arm64"]}
    test.call("update_function_code", "update_function_code_response", **wanted)


@scenario("TestLambdaConcurrency.test_lambda_concurrency_crud")
def reserved(test):
    own = {"FunctionName": test.name}
    test.create()
    test.call("get_function_concurrency", "get_function_concurrency_default", **own)
    wanted = {**own, "ReservedConcurrentExecutions": 0}
    test.call("put_function_concurrency", "put_function_concurrency", **wanted)
    test.call("get_function_concurrency", "get_function_concurrency_updated", **own)
    test.call("delete_function_concurrency", **own)
    test.call("get_function_concurrency", "get_function_concurrency_deleted", **own)


def provision(test, qualifier, count):
    own = {"FunctionName": test.name, "Qualifier": qualifier}
    get = "get_provisioned_concurrency_config"
    wanted = {**own, "ProvisionedConcurrentExecutions": count}
    test.call("put_provisioned_concurrency_config", "put_provisioned_5", **wanted)
    test.call(get, "get_provisioned_prewait", **own)
    test.eventually(lambda: test.call(get, **own)["Status"] == "READY")
    test.call(get, "get_provisioned_postwait", **own)


@scenario("TestLambdaConcurrency.test_provisioned_concurrency")
def provisioned(test):
    test.create()
    provision(test, test.publish()["Version"], 5)


@scenario("TestLambdaConcurrency.test_provisioned_concurrency_on_alias")
def provisioned_alias(test):
    test.create()
    version = test.publish()["Version"]
    client.create_alias(FunctionName=test.name, Name="live", FunctionVersion=version)
    provision(test, "live", 5)


@scenario("TestLambdaConcurrency.test_reserved_provisioned_overlap")
def overlap(test):
    own = {"FunctionName": test.name}
    test.create()
    version = test.publish()["Version"]
    provision(test, version, 2)
    put = "put_function_concurrency"
    test.call(put, "reserved_lower_than_provisioned_exc", **own, ReservedConcurrentExecutions=1)
    test.call(put, **own, ReservedConcurrentExecutions=2)
    test.call("get_function_concurrency", "get_concurrency", **own)
    test.invoke("reserved_equals_provisioned_latest_invoke_exc")
    test.call("update_function_configuration", "update_func_config", **own, Timeout=15)
    test.settled()
    second = test.publish()["Version"]
    put = "put_provisioned_concurrency_config"
    step = "reserved_equals_provisioned_another_provisioned_exc"
    test.call(put, step, **own, Qualifier=second, ProvisionedConcurrentExecutions=1)
    step = "reserved_equals_provisioned_increase_provisioned_exc"
    test.call(put, step, **own, Qualifier=version, ProvisionedConcurrentExecutions=3)


@scenario("TestLambdaErrors.test_lambda_handler_exit")
def handler_exit(test):
    test.create(**python("import sys\nsys.exit(0)"))
    test.invoke("invocation_error")


@scenario("TestLambdaErrors.test_lambda_runtime_exit_segfault")
def segfault(test):
    """The answer on AWS is a timeout: what is recorded is that the crash was not noticed."""
    test.create(**python("import ctypes\nctypes.string_at(0)"))
    test.invoke("invocation_error")


@scenario("TestLambdaFeatures.test_invocation_type_no_return_payload")
def nothing_returned(test):
    language, kind = test.parameter.split("-")
    test.create(**(python("pass") if language == "python" else node("")))
    test.invoke("invoke-result", InvocationType=kind)


def normal_log(text, request_id, time_pattern):
    text = re.sub(time_pattern, "date", text) if time_pattern else text
    text = text.replace(request_id, "<request-id>")
    text = re.sub(r"(Duration: )[\d.]+", r"\1<duration>", text)
    return re.sub(r"(Max Memory Used: )\d+", r"\1<memory>", text)


@scenario("TestLambdaFeatures.test_invocation_with_logs")
def logs(test):
    printed = python("print('{}')\nreturn {}") if "python" in test.parameter else node("console.log('{}'); return {};")
    test.create(**{"Runtime": test.parameter, **printed})
    answer = test.invoke("invoke", LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    text = base64.b64decode(answer["LogResult"]).decode()
    lines = normal_log(text, request_id, r"\d{4}-\d\d-\d\dT[\d:.]+Z").splitlines(keepends=True)
    test.comparison.bound |= {name: name for name in ("<request-id>", "<duration>", "<memory>")}
    test.judge("logs", {"logs": lines})


@scenario("TestLambdaFeatures.test_invocation_with_qualifier")
def qualified(test):
    head = "import logging\nlogger = logging.getLogger()\nlogger.setLevel(logging.INFO)\n"
    names = (
        "invoked_function_arn function_version function_name memory_limit_in_mb aws_request_id log_group_name"
        " log_stream_name client_context"
    ).split()
    body = (
        "print('Lambda log message - print function')\n"
        "logger.info('Lambda log message - logging module')\n"
        f"return {{'event': event, 'context': {{name: getattr(context, name) for name in {names}}}}}"
    )
    others = {"Timeout": 10, "Environment": None, "Publish": True}
    test.create("creation-response", **python(body, head), **others)
    test.settled(qualifier="1")
    payload = json.dumps({"foo": "bar with 'quotes\""})
    answer = test.call("invoke", FunctionName=test.name, Qualifier="1", Payload=payload, LogType="Tail")
    test.judge("invocation-response", answer)
    text = base64.b64decode(answer["LogResult"]).decode()
    lines = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "date", text).splitlines()
    test.judge("log_result", {"log_result": [line for line in lines if not line.startswith("REPORT")]})


@scenario("TestLambdaFeatures.test_lambda_environment")
def environment(test):
    code = python("import os\nreturn {'Hello': os.environ['Hello']}")
    test.create("creation-result", Runtime="python3.9", Environment={"Variables": {"Hello": "World"}}, **code)
    test.invoke("invocation-result")
    test.call("get_function_configuration", "get-configuration-result", FunctionName=test.name)


# Function URLs


def url_of(test, step="create_lambda_url_config", **given):
    made = test.call("create_function_url_config", step, FunctionName=test.name, AuthType="NONE", **given)
    return made["FunctionUrl"]


def permit(test, step="add_permission", **given):
    wanted = {
        "FunctionName": test.name,
        "StatementId": "urlPermission",
        "Action": "lambda:InvokeFunctionUrl",
        "Principal": "*",
        "FunctionUrlAuthType": "NONE",
        **given,
    }
    test.call("add_permission", step, **wanted)


def fetch(url):
    """The host's name is sent to where the server listens."""
    parts = urllib.parse.urlsplit(url)
    endpoint = os.environ["THAW_ENDPOINT"]
    request = urllib.request.Request(endpoint + (parts.path or "/"), headers={"Host": parts.netloc})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers.items()), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers.items()), error.read().decode()


def header(headers, name):
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


RESULTS = {
    "dict": "{'hello': 'world'}",
    "http-response": "{'statusCode': 200, 'body': 'body123'}",
    "http-response-json": "{'statusCode': 200, 'body': '{\"hello\": \"world\"}'}",
    "list-mixed": "['hello', 3, True]",
    "string": "'hello'",
    "integer": "3",
    "float": "3.1",
    "boolean": "True",
}


@scenario("TestLambdaURL.test_lambda_url_invocation")
def url_results(test):
    test.create(**python(f"return {RESULTS[test.parameter]}"))
    url = url_of(test)
    permit(test)
    status, headers, content = fetch(url)
    names = test.responses["lambda_url_invocation"]["headers"]
    shown = {name: header(headers, name) for name in names}
    test.judge("lambda_url_invocation", {"statuscode": status, "content": content, "headers": shown})


@scenario("TestLambdaURL.test_lambda_url_echo_invoke")
def url_echo(test):
    test.create(**node("return event;"))
    url_of(test, **({} if test.parameter == "None" else {"InvokeMode": test.parameter}))
    permit(test)


@scenario("TestLambdaURL.test_lambda_url_persists_after_alias_delete")
def url_of_lost_alias(test):
    test.create(**python("return {'statusCode': 200, 'body': 'x'}"))
    client.create_alias(FunctionName=test.name, Name="live", FunctionVersion="$LATEST")
    own = {"FunctionName": test.name, "Qualifier": "live"}
    made = client.create_function_url_config(**own, AuthType="NONE", InvokeMode="BUFFERED")
    test.judge("create_lambda_url_config", made)
    permit(test, None, Qualifier="live")
    status, _, _ = fetch(made["FunctionUrl"])
    test.judge("invoke_aliased_url_response", {"status_code": status})
    test.call("delete_alias", "delete_alias_resp", FunctionName=test.name, Name="live")
    status, headers, content = fetch(made["FunctionUrl"])
    shown = {"x-amzn-ErrorType": header(headers, "x-amzn-errortype")}
    answer = {"status_code": status, "content": content, "headers": shown}
    test.judge("invoke_deleted_alias_url_response_delayed", answer)


@scenario("TestRequestIdHandling.test_request_id_invoke_url")
def url_request_id(test):
    test.create(**python("print('x')\nreturn {'statusCode': 200, 'body': 'hi'}"))
    url = url_of(test)
    permit(test)
    status, headers, content = fetch(url)
    shown = {"x-amzn-RequestId": header(headers, "x-amzn-requestid")}
    test.judge("lambda_url_invocation", {"statuscode": status, "content": content, "headers": shown})
    if "end_log_entries" in test.responses:
        end = f"END RequestId: {header(headers, 'x-amzn-requestid')}"
        ends = test.eventually(lambda: [line for line in log_lines(test) if line.startswith(end)])
        test.judge("end_log_entries", ends)


def log_lines(test):
    """Through the server's own API."""
    text = admin("GET", f"logs/{test.name}")
    return [json.loads(line)["message"].rstrip("\n") for line in text.splitlines()]


# Versions


@scenario("TestLambdaVersions.test_lambda_handler_update")
def handlers(test):
    code = "def handler(event, context):\n    return {'handler': 'handler'}\n\n\n"
    code += "def handler_two(event, context):\n    return {'handler': 'handler_two'}\n"
    own = {"FunctionName": test.name}
    test.create(Code={"ZipFile": package({"handler.py": code})})
    test.invoke("invoke_result_handler_one")
    configure = "update_function_configuration"
    test.call(configure, "update_function_configuration_result", **own, Handler="handler.handler_two")
    test.settled()
    test.call("get_function", "get_function_result", **own)
    test.invoke("invoke_result_handler_two")
    test.publish()
    test.invoke("invoke_result_handler_two_postpublish")


@scenario("TestLambdaVersions.test_async_invoke_queue_upon_function_update")
def queue_over_update(test):
    body = (
        "if event['word'] == 'sleep':\n    time.sleep(2)\n"
        "print('RAN', event['number'] + '-' + event['word'] + '--' + os.environ['VARIANT'])"
    )
    own = {"FunctionName": test.name}
    test.create(Environment={"Variables": {"VARIANT": "variant-1"}}, **python(body, "import os, time"))
    test.call("put_function_concurrency", **own, ReservedConcurrentExecutions=1)

    def event(number, word):
        payload = json.dumps({"number": f"{number:02}", "word": word})
        test.call("invoke", **own, InvocationType="Event", Payload=payload)

    event(1, "sleep")
    for number in range(2, 11):
        event(number, "before")
    wanted = {"Variables": {"VARIANT": "variant-2"}}
    test.call("update_function_configuration", **own, Environment=wanted)
    test.settled()
    for number in range(11, 16):
        event(number, "after")

    def ran():
        found = sorted(line.removeprefix("RAN ") for line in log_lines(test) if line.startswith("RAN "))
        return found if len(found) >= 15 else None

    test.judge("async_invoke_history_sorted", test.eventually(ran))


# Java


def java_package(sources):
    """Compiled against the runtime's client, which has AWS's interfaces."""
    clients = glob.glob(os.path.join(os.path.dirname(__file__), "../../../runtimes/dist/java/lib/*.jar"))
    with tempfile.TemporaryDirectory() as held:
        paths = []
        for name, text in sources.items():
            path = os.path.join(held, "src", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
            paths.append(path)
        out = os.path.join(held, "out")
        subprocess.run(["javac", "--release", "17", "-cp", ":".join(clients), "-d", out, *paths], check=True)
        files = {}
        for folder, _, names in os.walk(out):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    files[os.path.relpath(os.path.join(folder, name), out)] = file.read()
    return package(files)


HANDLERS = """package cloud.localstack.sample;
import com.amazonaws.services.lambda.runtime.*;
import java.util.Map;
public class LambdaHandlerWithInterfaceAndCustom implements RequestHandler<Map<String, String>, String> {
  public String handleRequest(Map<String, String> event, Context context) { return "INTERFACE"; }
  public String handleRequestCustom(Map<String, String> event, Context context) { return "CUSTOM"; }
}
"""
SERIALIZED = """package cloud.localstack.awssdkv1.sample;
import com.amazonaws.services.lambda.runtime.*;
import java.util.*;
public class SerializedInputLambdaHandler
    implements RequestHandler<SerializedInputLambdaHandler.In, Map<String, Object>> {
  public static class In {
    private String bucket;
    private String key;
    public String getBucket() { return bucket; }
    public void setBucket(String value) { bucket = value; }
    public String getKey() { return key; }
    public void setKey(String value) { key = value; }
  }
  public Map<String, Object> handleRequest(In event, Context context) {
    return Map.of("bucket", event.getBucket(), "key", event.getKey(), "validated", true);
  }
}
"""


def run_java(test, sources, payload):
    recorded = test.responses["create-result"]["CreateFunctionResponse"]
    wanted = {name: recorded[name] for name in ("Runtime", "Handler", "Timeout")}
    test.create("create-result", **wanted, Code={"ZipFile": java_package(sources)})
    test.invoke("invoke-result", payload)


@scenario("test_lambda_runtimes.TestJavaRuntimes.test_java_custom_handler_method_specification")
def java_handlers(test):
    run_java(test, {"cloud/localstack/sample/LambdaHandlerWithInterfaceAndCustom.java": HANDLERS}, "{}")


@scenario("test_lambda_runtimes.TestJavaRuntimes.test_serializable_input_object")
def java_input(test):
    path = "cloud/localstack/awssdkv1/sample/SerializedInputLambdaHandler.java"
    payload = json.dumps({"bucket": "test_bucket", "key": "test_key"})
    run_java(test, {path: SERIALIZED}, payload)

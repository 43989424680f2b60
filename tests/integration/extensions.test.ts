/** Extensions in real sandboxes, in a fresh environment and in clones of a snapshot. */
import { PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { describe, expect, it } from "vitest";
import { type TestFunctions, zipOf } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

/** A runtime with an extension of its own in a thread. */
const INTERNAL = `
import http.client, json, os, threading
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
def call(method, path, headers, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, "/2020-01-01/extension/" + path, body, headers)
    return connection.getresponse()
registered = call("POST", "register", {"Lambda-Extension-Name": "inner"}, json.dumps({"events": ["INVOKE"]}))
identifier = registered.headers["Lambda-Extension-Identifier"]
def listen():
    while True:
        event = json.load(call("GET", "event/next", {"Lambda-Extension-Identifier": identifier}))
        print("inner saw", event["eventType"], event["requestId"], flush=True)
threading.Thread(target=listen, daemon=True).start()
def handler(event, context):
    return identifier
`;

/** A program of /opt/extensions that says what it sees. */
const EXTERNAL = `#!/usr/bin/env python3.13
import http.client, json, os, sys
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = os.path.basename(sys.argv[0])
def call(method, path, headers, body=None):
    connection = http.client.HTTPConnection(API)
    connection.request(method, "/2020-01-01/extension/" + path, body, headers)
    return connection.getresponse()
events = ["INVOKE", "SHUTDOWN"]
registered = call("POST", "register", {"Lambda-Extension-Name": NAME}, json.dumps({"events": events}))
identifier = registered.headers["Lambda-Extension-Identifier"]
while True:
    event = json.load(call("GET", "event/next", {"Lambda-Extension-Identifier": identifier}))
    print("outer saw", event["eventType"], event.get("requestId", event.get("shutdownReason")), flush=True)
    if event["eventType"] == "SHUTDOWN":
        sys.exit(0)
`;

/** A subscriber that says what it was sent. */
const SUBSCRIBER = EXTERNAL.replace("while True:", () =>
  `
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading
class Listener(BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            record = event["record"]
            status = record.get("status", "") if isinstance(record, dict) else record
            print("got", event["type"], status, flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
threading.Thread(target=ThreadingHTTPServer(("sandbox.localdomain", 4243), Listener).serve_forever, daemon=True).start()
connection = http.client.HTTPConnection(API)
connection.request("PUT", "/2022-07-01/telemetry", json.dumps({
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243"},
    "buffering": {"timeoutMs": 25},
}), {"Lambda-Extension-Identifier": identifier})
print("subscribed", connection.getresponse().read().decode(), flush=True)
while True:`.trim(),
);

/** A shell script with curl, as AWS's example is one: a child holds the call that waits. */
const SHELL = `#!/bin/bash
set -euo pipefail
name=$(basename "$0")
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
headers=$(mktemp)
curl -sS -LD "$headers" -XPOST "$api/register" --header "Lambda-Extension-Name: $name" \\
  -d '{"events": ["INVOKE", "SHUTDOWN"]}' > /dev/null
id=$(grep -Fi lambda-extension-identifier "$headers" | tr -d '[:space:]' | cut -d: -f2)
while true; do
  event=$(curl -sS -L -XGET "$api/event/next" --header "Lambda-Extension-Identifier: $id")
  echo "shell saw $event"
  if [[ $event == *SHUTDOWN* ]]; then exit 0; fi
done
`;

describe.each(["fresh environment", "clone"])("in a %s", (kind) => {
  it("an internal extension sees each invoke", async () => {
    const name = await functions.createSnapStart({ "index.py": INTERNAL }, { Runtime: "python3.13" });
    const version = kind === "clone" ? await functions.publish(name) : "$LATEST";
    const first = await functions.invoke(name, {}, version);
    await functions.atRest(name);
    const second = await functions.invoke(name, {}, version);
    expect(first.functionError).toBeUndefined();
    expect(second.payload).toBe(first.payload);
    await functions.stopEnvironments(name);
    const [environment] = (await functions.logs(name)).filter(({ message }) => message.startsWith("START"));
    const lines = (await functions.logs(name)).map(({ message }) => message);
    expect(lines).toContain("EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]");
    expect(environment).toBeDefined();
    expect(lines.filter((line) => line.startsWith("inner saw INVOKE"))).toHaveLength(2);
  });

  it("a program of /opt/extensions sees invokes, and each end with its reason", async () => {
    const ZipFile = await zipOf({ "extensions/outer": EXTERNAL });
    const layer = await functions.lambda.send(
      new PublishLayerVersionCommand({ LayerName: `outer-${kind === "clone"}`, Content: { ZipFile } }),
    );
    const code =
      "def handler(event, context):\n    if 'end' in event: raise SystemExit(3)\n    return context.aws_request_id\n";
    const name = await functions.createSnapStart(
      { "index.py": code },
      { Runtime: "python3.13", Layers: [layer.LayerVersionArn ?? ""] },
    );
    const version = kind === "clone" ? await functions.publish(name) : "$LATEST";
    const { payload } = await functions.invoke(name, {}, version);
    await functions.stopEnvironments(name);
    const failed = await functions.invoke(name, { end: true }, version);
    expect(failed.payload).toMatchObject({ errorType: "Runtime.ExitError" });
    const lines = await functions.eventually("the end is told", async () => {
      const found = (await functions.logs(name)).map(({ message }) => message);
      return found.includes("outer saw SHUTDOWN failure") && found;
    });
    expect(lines).toContain("EXTENSION\tName: outer\tState: Ready\tEvents: [INVOKE, SHUTDOWN]");
    const seen = lines.filter((line) => line.startsWith("outer saw"));
    expect(seen.slice(0, 2)).toEqual([`outer saw INVOKE ${String(payload)}`, "outer saw SHUTDOWN spindown"]);
    expect(seen).toHaveLength(4);
  });

  it("a subscriber gets every event of Init, restore, an invoke that fails and a shutdown, in AWS's order", async () => {
    const ZipFile = await zipOf({ "extensions/subscriber": SUBSCRIBER });
    const layer = await functions.lambda.send(
      new PublishLayerVersionCommand({ LayerName: `subscriber-${kind === "clone"}`, Content: { ZipFile } }),
    );
    const code = "def handler(event, context):\n    print('hello')\n    if 'end' in event: raise SystemExit(3)\n";
    const name = await functions.createSnapStart(
      { "index.py": code },
      { Runtime: "python3.13", Layers: [layer.LayerVersionArn ?? ""] },
    );
    const version = kind === "clone" ? await functions.publish(name) : "$LATEST";
    await functions.invoke(name, {}, version);
    await functions.atRest(name);
    await functions.invoke(name, { end: true }, version);
    const lines = await functions.eventually("the end is told", async () => {
      const found = (await functions.logs(name)).map(({ message }) => message);
      return found.includes("outer saw SHUTDOWN failure") && found;
    });
    const init = ["platform.initStart ", "platform.telemetrySubscription ", "platform.initRuntimeDone success"];
    const restore = ["platform.restoreStart ", "platform.restoreRuntimeDone success", "platform.restoreReport success"];
    const begun = [...init, "platform.extension ", "platform.initReport success", ...(kind === "clone" ? restore : [])];
    const invoke = (status: string): readonly string[] => [
      "platform.start ",
      "function hello",
      `platform.runtimeDone ${status}`,
      `platform.report ${status}`,
    ];
    expect(lines).toContain('subscribed "OK"');
    expect(lines.filter((line) => line.startsWith("got ")).map((line) => line.slice("got ".length))).toEqual([
      ...begun,
      ...invoke("success"),
      ...invoke("error"),
    ]);
  });

  it("a shell script with curl works as AWS's example does", async () => {
    const ZipFile = await zipOf({ "extensions/shell": SHELL });
    const layer = await functions.lambda.send(
      new PublishLayerVersionCommand({ LayerName: `shell-${kind === "clone"}`, Content: { ZipFile } }),
    );
    const code = "exports.handler = async () => 1;\n";
    const name = await functions.createSnapStart({ "index.js": code }, { Layers: [layer.LayerVersionArn ?? ""] });
    const version = kind === "clone" ? await functions.publish(name) : "$LATEST";
    expect((await functions.invoke(name, {}, version)).payload).toBe(1);
    await functions.atRest(name);
    expect((await functions.invoke(name, {}, version)).payload).toBe(1);
    await functions.stopEnvironments(name);
    const lines = (await functions.logs(name)).map(({ message }) => message);
    const seen = lines
      .filter((line) => line.startsWith("shell saw"))
      .map((line) => /"eventType":"([A-Z]+)"/.exec(line)?.[1]);
    expect(seen).toEqual(["INVOKE", "INVOKE", "SHUTDOWN"]);
  });
});

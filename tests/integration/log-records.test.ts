/**
 * Log records of AWS's clients through the real supervisor, in a fresh environment and in a clone: one record is one
 * event, whatever else is written to their descriptor. And the other texts that cross the borders between client,
 * server and runtime.
 */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { describe, expect, it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const PYTHON = `
import logging, os
logging.getLogger().setLevel("INFO")
HEADER = bytes.fromhex("a55a0017")
def handler(event, context):
    match event.get("do"):
        case "log":
            logging.info("first\\nsecond")
            print("one\\ntwo")
        case "fail":
            raise ValueError("third\\nfourth")
        case "child":
            if os.fork() == 0:
                os.write(62, b"of a child")
                os._exit(0)
            os.wait()
            logging.info("after the child")
        case "half":
            os.write(62, HEADER + (1000).to_bytes(4, "big") + bytes(8) + b"begun")
        case "bad":
            os.write(62, HEADER + b"\\xff\\xff\\xff\\xff" + bytes(8) + b"endless\\n")
            logging.info("after the bad one")
    return (context.client_context.custom["key"] if context.client_context else None, event)
`;
const NODE = "exports.handler = async (event, context) => [context.clientContext.custom.key, event];\n";

/** Invokes with a client context, and gives the log's own lines and the answer. */
async function run(
  name: string,
  qualifier: string,
  event: unknown,
): Promise<{ readonly messages: readonly string[]; readonly payload: unknown; readonly tail: string }> {
  const seen = (await functions.logs(name)).length;
  const answer = await functions.lambda.send(
    new InvokeCommand({
      FunctionName: name,
      Qualifier: qualifier,
      Payload: Buffer.from(JSON.stringify(event)),
      LogType: "Tail",
      ClientContext: Buffer.from(JSON.stringify({ custom: { key: "é€😀" } })).toString("base64"),
    }),
  );
  const platform = /^(START|END|REPORT|INIT_|RESTORE_)/;
  return {
    messages: (await functions.logs(name))
      .slice(seen)
      .map((each) => each.message)
      .filter((message) => !platform.test(message)),
    payload: JSON.parse(Buffer.from(answer.Payload ?? []).toString()),
    tail: Buffer.from(answer.LogResult ?? "", "base64").toString(),
  };
}

describe.each(["fresh environment", "clone"])("in a %s", (kind) => {
  async function make(files: Record<string, string | Buffer>, options: object): Promise<[string, string]> {
    const name = await functions.createSnapStart(files, options);
    return [name, kind === "clone" ? await functions.publish(name) : "$LATEST"];
  }

  it("Python: a record is one event, with its line breaks; printed lines are several", async () => {
    const [name, version] = await make({ "index.py": PYTHON }, { Runtime: "python3.13" });
    const logged = await run(name, version, { do: "log" });
    expect(logged.messages.toSorted()).toEqual([expect.stringMatching(/^\[INFO\].*\tfirst\nsecond$/s), "one", "two"]);
    const failed = await run(name, version, { do: "fail" });
    expect(failed.messages).toEqual([
      expect.stringMatching(/^\[ERROR\] ValueError: third\nfourth\nTraceback[^\n]*\n\u00a0\u00a0File "\/var\/task/),
    ]);
    expect(failed.tail).toContain("fourth\nTraceback (most recent call last):\n");
    expect(failed.tail).not.toContain("\r");
  });

  it("Python: whatever else is written to the descriptor, no byte is lost and the next record is whole", async () => {
    const [name, version] = await make({ "index.py": PYTHON }, { Runtime: "python3.13" });
    const child = await run(name, version, { do: "child" });
    expect(child.messages).toEqual(["of a child", expect.stringContaining("after the child")]);
    const bad = await run(name, version, { do: "bad" });
    expect(bad.messages).toEqual([expect.stringMatching(/endless$/), expect.stringContaining("after the bad one")]);
    expect((await run(name, version, { do: "half" })).messages).toEqual(["begun"]);
    // What follows is the rest of that record, as far as anybody can tell.
    expect((await run(name, version, { do: "log" })).messages.join("\n")).toContain("first\nsecond");
  });

  it("Java: a record is one event; a Java record can be the event", async () => {
    const files = javaPackage("records/Records.java", /^$/);
    const options = { Runtime: "java17", Handler: "Records::handleRequest", MemorySize: 512 };
    const [name, version] = await make(files, options);
    const good = await run(name, version, { id: "a", amount: 1.5 });
    expect(good.payload).toEqual({ id: "a é€😀", amount: 2.5, fail: false });
    expect(good.messages.toSorted()).toEqual(["alone", "first\nsecond", "one", "two"]);
    const failed = await run(name, version, { id: "a", amount: 1, fail: true });
    const traces = failed.messages.filter((message) => message.includes("bottom"));
    expect(traces).toEqual([expect.stringMatching(/IllegalStateException.*\n\tat .*Caused by: .*cause/s)]);
  });

  it("Node.js and Python: a client context beyond Latin-1 arrives as it was sent", async () => {
    const event = { text: "ü€😀" };
    for (const [files, Runtime] of [
      [{ "index.py": PYTHON }, "python3.13"],
      [{ "index.js": NODE }, "nodejs24.x"],
    ] as const) {
      const [name, version] = await make(files, { Runtime });
      expect((await run(name, version, event)).payload).toEqual(["é€😀", event]);
    }
  });
});

it.for<[string, Buffer]>([
  ["bytes that are no UTF-8", Buffer.from('{"a":"\xff"}', "latin1")],
  ["a surrogate in UTF-8", Buffer.from('"\xed\xa0\x80"', "latin1")],
  ["a byte order mark", Buffer.from("\ufeff{}")],
])("refuses a payload with %s", async ([, Payload]) => {
  const name = await functions.create({ "index.mjs": "export const handler = async () => 'ran';" });
  await expect(functions.lambda.send(new InvokeCommand({ FunctionName: name, Payload }))).rejects.toMatchObject({
    name: "InvalidRequestContentException",
    message: expect.stringContaining("Could not parse request body into json: Could not parse payload into json"),
  });
});

it("refuses a client context that is no UTF-8", async () => {
  const name = await functions.create({ "index.mjs": "export const handler = async () => 'ran';" });
  const ClientContext = Buffer.from('{"custom":{"a":"\xff"}}', "latin1").toString("base64");
  await expect(functions.lambda.send(new InvokeCommand({ FunctionName: name, ClientContext }))).rejects.toMatchObject({
    name: "InvalidRequestContentException",
  });
});

/** What AWS's client for Java does with each form of a handler on one runtime, fresh and in a clone. */
import { InvokeCommand, type Runtime as RuntimeName } from "@aws-sdk/client-lambda";
import { beforeAll, describe, expect, it, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";
import { exitError, failingInit, inBoth, LIVES, makeBoth, whenFresh } from "./lives.ts";

export function testJavaForms(Runtime: RuntimeName): void {
  let functions: TestFunctions;
  let files: Files;
  withThaw((made) => {
    functions = made;
  });
  beforeAll(() => {
    files = javaPackage("forms/Forms.java", /^$/);
  });

  // A virtual machine that fills its memory with a third of a processor takes seconds.
  const java = (handler: string) => ({ Runtime, Handler: `Forms$${handler}`, MemorySize: 512, Timeout: 60 }) as const;

  // Recorded at AWS: the first three (test_java_custom_handler_method_specification).
  it.for<[string, string, unknown, unknown]>([
    ["RequestHandler, by its class alone", "InterfaceAndCustom", {}, "INTERFACE"],
    ["RequestHandler, by its method", "InterfaceAndCustom::handleRequest", {}, "INTERFACE"],
    ["another method of such a class", "InterfaceAndCustom::handleRequestCustom", {}, "CUSTOM"],
    ["RequestHandler whose types come from below", "Generic", [{ name: "Ada", age: 1 }], "Ada"],
    ["RequestStreamHandler", "Streams", { a: "ä" }, [{ a: "ä" }, true]],
    [
      "a POJO, with fields that it does not know",
      "Methods::pojo",
      { name: "Ada", age: 1, more: 2 },
      { name: "Ada", age: 2 },
    ],
    ["a record", "Methods::record", { x: 1, label: "a" }, { x: 2, label: "a" }],
    ["a map of lists of numbers", "Methods::lists", { a: [1, 2] }, { a: 3 }],
    ["a static method of a primitive type", "Methods::number", 4, 5],
    ["an enum", "Methods::colour", "RED", "BLUE"],
    ["void", "Methods::nothing", "x", null],
    ["InputStream and OutputStream", "Methods::inAndOut", { a: 1 }, { a: 1 }],
    ["OutputStream and Context", "Methods::outAndContext", {}, "512"],
    ["of two overloads the one with Context", "Methods::overloaded", "x", "with Context"],
  ])("%s", async ([, handler, event, payload]) => {
    const answer = await whenFresh(functions, files, java(handler), event);
    expect([answer.functionError, answer.payload]).toEqual([undefined, payload]);
  });

  it.for<[string, string, unknown, unknown]>([
    ["RequestHandler", "Generic", [{ name: "Ada", age: 1 }], "Ada"],
    ["RequestStreamHandler", "Streams", { a: "ä" }, [{ a: "ä" }, true]],
    ["a method", "Methods::pojo", { name: "Ada", age: 1 }, { name: "Ada", age: 2 }],
  ])("%s, in both lives", async ([, handler, event, payload]) => {
    for (const answer of await inBoth(functions, files, java(handler), event)) expect(answer.payload).toEqual(payload);
  });

  test("Context, with the client's own", async () => {
    const name = await makeBoth(functions, files, java("Methods::context"));
    for (const life of LIVES) {
      const ClientContext = Buffer.from(JSON.stringify({ custom: { a: "b" } })).toString("base64");
      const { Payload } = await functions.lambda.send(
        new InvokeCommand({ FunctionName: name, Qualifier: life, ClientContext, Payload: Buffer.from("{}") }),
      );
      const arn = `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
      expect(JSON.parse(Buffer.from(Payload ?? []).toString())).toMatchObject({
        name,
        version: life,
        arn: `${arn}:${life}`,
        memory: 512,
        isId: true,
        // As AWS's variables for both are not set at Init with SnapStart.
        hasStream: life === "$LATEST",
        custom: { a: "b" },
      });
    }
  });

  describe.each(LIVES)("errors, %s", (life) => {
    let name: string;
    beforeAll(async () => {
      name = await makeBoth(functions, files, java("Methods::fails"));
    });

    test("an exception: its class, text and frames without the client's, and its cause in the log", async () => {
      const { payload, log } = await functions.invoke(name, "checked", life);
      const { stackTrace, ...error } = payload as { stackTrace: string[] };
      expect(error).toEqual({ errorType: "java.io.IOException", errorMessage: "outer" });
      expect(stackTrace[0]).toMatch(/^Forms\$Methods\.fails\(Forms\.java:\d+\)$/);
      expect(stackTrace.join("\n")).not.toContain("com.amazonaws");
      expect(log).toContain("\nouter: java.io.IOException\njava.io.IOException: outer\n\tat Forms$Methods.fails(");
      expect(log).toContain("\nCaused by: java.lang.IllegalStateException: inner\n");
    });

    test("an exception without a text has its class for one", async () => {
      const { payload } = await functions.invoke(name, "no message", life);
      const IAE = "java.lang.IllegalArgumentException";
      expect(payload).toMatchObject({ errorType: IAE, errorMessage: IAE });
    });

    // The cause that the client sends to X-Ray has a thousand frames, in one header.
    it.for([
      ["deep", "java.lang.StackOverflowError"],
      ["memory", "java.lang.OutOfMemoryError"],
    ])("an error of the virtual machine (%s) is told, and ends the environment", async ([form, errorType]) => {
      const { payload, log } = await functions.invoke(name, form, life);
      expect(payload).toMatchObject({ errorType });
      expect(log).toContain("Status: error\tError Type: Runtime.ExitError");
    });

    test("System.exit", async () => {
      const { payload } = await functions.invoke(name, "exit", life);
      expect(payload).toEqual(exitError("Runtime exited with error: exit status 3"));
    });
  });

  it.for<[string, string, unknown, string]>([
    ["an event of the wrong type", "Methods::number", "text", "An error occurred during JSON parsing"],
    ["a result that contains itself", "Methods::cycle", "x", "An error occurred during JSON serialization of response"],
  ])("%s", async ([, handler, event, errorMessage]) => {
    const { payload } = await whenFresh(functions, files, java(handler), event);
    expect(payload).toEqual({ errorType: "java.lang.RuntimeException", errorMessage, stackTrace: [] });
  });

  /** The client loads the handler at Init, but tells what is wrong with it in each invoke. */
  it.for<[string, string, unknown]>([
    [
      "no constructor without parameters",
      "NoDefaultConstructor::handle",
      {
        errorType: "java.lang.Exception",
        errorMessage: "Class Forms$NoDefaultConstructor has no public zero-argument constructor",
      },
    ],
    [
      "an inner class",
      "Inner::handle",
      {
        errorType: "java.lang.Exception",
        errorMessage: "Class Forms$Inner cannot be instantiated because it is a non-static inner class",
      },
    ],
    [
      "a class without an interface, by its name alone",
      "NoInterface",
      { errorMessage: "Class does not implement an appropriate handler interface: Forms$NoInterface" },
    ],
    [
      "a private method",
      "NoInterface::handle",
      {
        errorMessage:
          "No public method named handle with appropriate method signature found on class Forms$NoInterface",
      },
    ],
    [
      "a class that is not there",
      "None::handle",
      { errorType: "java.lang.ClassNotFoundException", errorMessage: "Class not found: Forms$None" },
    ],
  ])("%s", async ([, handler, payload]) => {
    const answer = await whenFresh(functions, files, java(handler), "x");
    expect(answer.payload).toEqual(payload);
    expect(answer.log).not.toContain("Status: error");
  });

  it.for<[string, string, unknown]>([
    [
      "a constructor that throws",
      "ThrowsInConstructor::handle",
      { errorType: "java.lang.IllegalStateException", errorMessage: "in the constructor" },
    ],
    [
      "a static initialiser that throws",
      "ThrowsInStatic::handle",
      { errorType: "java.lang.ExceptionInInitializerError", errorMessage: "Error loading class Forms$ThrowsInStatic" },
    ],
  ])("%s fails at Init, and again in the invoke", async ([, handler, error]) => {
    const { payload, lines } = await failingInit(functions, files, java(handler));
    expect(payload).toEqual(error);
    const reports = lines.filter((line) => line.startsWith("INIT_REPORT"));
    expect(reports.map((line) => line.split("\t").slice(1))).toEqual(
      ["init", "invoke"].map((phase) => [`Phase: ${phase}`, "Status: error", "Error Type: Runtime.BadFunctionCode"]),
    );
  });

  describe("LambdaLogger", () => {
    test("text: levels stand before the lines, and leave nothing out", async () => {
      for (const { log } of await inBoth(functions, files, java("Methods::logs"), "x"))
        expect(log).toContain("\nplain\n[WARN] warned\nin two lines\n[TRACE] hidden\nprinted\n");
    });

    test("JSON: a document from its level on; what is printed stays text", async () => {
      const LoggingConfig = { LogFormat: "JSON", ApplicationLogLevel: "INFO", SystemLogLevel: "WARN" } as const;
      const name = await makeBoth(functions, files, { ...java("Methods::logs"), LoggingConfig });
      for (const life of LIVES) await functions.invoke(name, "x", life);
      const lines = (await functions.logs(name)).map(({ message }) => message);
      const id = expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown;
      const common = { timestamp: expect.any(String) as unknown, AWSRequestId: id };
      const each = [
        { ...common, level: "UNDEFINED", message: "plain" },
        { ...common, level: "WARN", message: "warned\nin two lines" },
      ];
      const documents = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as unknown);
      expect(documents).toEqual([...each, ...each]);
      expect(lines.filter((line) => line === "printed")).toHaveLength(2);
    });
  });
}

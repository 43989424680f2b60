/**
 * `thaw dev --debug` with the protocols of real debuggers: a breakpoint stops, a variable is read, the invoke answers.
 */
// matrix: a debugger of each language, at `$LATEST` and at a clone
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { GetFunctionConfigurationCommand, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { CdpClient, type Paused } from "../support/cdp.ts";
import { DapClient } from "../support/dap.ts";
import { type Dev, type DevArguments, withDevIn } from "../support/dev.ts";
import type { TestFunctions } from "../support/functions.ts";
import { Jdb } from "../support/jdb.ts";
import { debugpy, javaPackage } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const SOURCES = join(REPOSITORY, "tests/functions/debug");
/** Of the functions; what they do without a debugger has this time on a busy machine, too. Each stop is longer. */
const TIMEOUT_S = 4;
const STOP_MS = 4500;

type Place = "hook" | "handler";

/** How a function of a language is made, and how a debugger of it goes. */
interface Language {
  readonly properties: string;
  /** Variables of the function itself, and with the debugger. */
  readonly own: Readonly<Record<string, string>>;
  readonly debugged: Readonly<Record<string, string>>;
  readonly write: (folder: string) => void;
  /**
   * Attaches, stops at the places one after the other, for longer than the function's timeout, reads the variable that
   * is there, and leaves. `isSet`: called when it would stop.
   */
  readonly debug: (port: number, places: readonly Place[], isSet: () => void) => Promise<readonly unknown[]>;
}

const VARIABLE: Readonly<Record<Place, string>> = { hook: "hooked", handler: "doubled" };

/** The line behind the one that gives the place its variable. */
function lineOf(file: string, place: Place): number {
  const lines = readFileSync(join(SOURCES, file), "utf8").split("\n");
  return lines.findIndex((line) => line.includes(`${VARIABLE[place]} = `)) + 2;
}

function copySource(file: string): (folder: string) => void {
  return (folder) => cpSync(join(SOURCES, file), join(folder, file));
}

const NODEJS: Language = {
  properties: "Runtime: nodejs24.x\n      Handler: index.handler\n      MemorySize: 512",
  own: { NODE_OPTIONS: "--no-warnings" },
  debugged: { NODE_OPTIONS: "--no-warnings --inspect-wait=127.0.0.1:9229", THAW_DEBUG_PORT: "9229" },
  write: copySource("index.mjs"),
  async debug(port, places, isSet) {
    const cdp = await CdpClient.connect(port);
    await cdp.ask("Debugger.enable");
    for (const place of places) {
      const lineNumber = lineOf("index.mjs", place) - 1;
      await cdp.ask("Debugger.setBreakpointByUrl", { url: "file:///var/task/index.mjs", lineNumber });
    }
    await cdp.ask("Runtime.runIfWaitingForDebugger");
    isSet();
    const read: unknown[] = [];
    for (const place of places) {
      const { callFrames } = await cdp.event<Paused>("Debugger.paused");
      const evaluate = async (expression: string): Promise<unknown> => {
        const given = { callFrameId: callFrames[0]?.callFrameId, expression };
        const { result } = await cdp.ask<{ result: { value: unknown } }>("Debugger.evaluateOnCallFrame", given);
        return result.value;
      };
      await evaluate(`for (const end = Date.now() + ${STOP_MS}; Date.now() < end; );`);
      read.push(await evaluate(VARIABLE[place]));
      await cdp.ask("Debugger.resume");
    }
    await cdp.close();
    return read;
  },
};

const PYTHON: Language = {
  properties: "Runtime: python3.13\n      Handler: app.handler\n      MemorySize: 512",
  own: {},
  debugged: { THAW_DEBUGPY: "wait", THAW_DEBUG_PORT: "5678" },
  write(folder) {
    copySource("app.py")(folder);
    cpSync(debugpy(), join(folder, "debugpy"), { recursive: true });
  },
  async debug(port, places, isSet) {
    const dap = await DapClient.connect(port);
    await dap.ask("initialize", { adapterID: "test", linesStartAt1: true, columnsStartAt1: true });
    const attached = dap.ask("attach", { justMyCode: false });
    await dap.event("initialized");
    await dap.ask("setBreakpoints", {
      source: { path: "/var/task/app.py" },
      breakpoints: places.map((place) => ({ line: lineOf("app.py", place) })),
    });
    await dap.ask("configurationDone");
    await attached;
    isSet();
    const read: unknown[] = [];
    for (const place of places) {
      const { threadId } = await dap.event<{ threadId: number }>("stopped");
      const { stackFrames } = await dap.ask<{ stackFrames: ReadonlyArray<{ id: number }> }>("stackTrace", { threadId });
      const evaluate = async (expression: string): Promise<string> => {
        const given = { expression, frameId: stackFrames[0]?.id, context: "repl" };
        return (await dap.ask<{ result: string }>("evaluate", given)).result;
      };
      await evaluate(`__import__("time").sleep(${STOP_MS / 1000})`);
      read.push(JSON.parse((await evaluate(VARIABLE[place])).replaceAll("'", '"')));
      await dap.ask("continue", { threadId });
    }
    await dap.ask("disconnect", { terminateDebuggee: false });
    await dap.close();
    return read;
  },
};

const JAVA: Language = {
  properties: "Runtime: java21\n      Handler: Debug::handle\n      MemorySize: 512",
  own: {},
  debugged: {
    JAVA_TOOL_OPTIONS: "-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:5005",
    THAW_DEBUG_PORT: "5005",
  },
  write(folder) {
    for (const [name, bytes] of Object.entries(javaPackage("debug/Debug.java", /^org-crac-/))) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
  },
  async debug(port, places, isSet) {
    const jdb = await Jdb.attach(port);
    for (const place of places) {
      const line = lineOf("Debug.java", place);
      await jdb.ask(`stop at Debug:${line}`, /Set (?:deferred )?breakpoint Debug:|Deferring breakpoint Debug:/);
    }
    const read: unknown[] = [];
    // First, as the program of a clone runs already: after a breakpoint was hit it would go on from there, unseen.
    await jdb.ask("resume", /All threads resumed/);
    isSet();
    for (const place of places) {
      await jdb.heard(/Breakpoint hit:[^]*\n\S+\[1\] /);
      await jdb.ask(`eval java.lang.Thread.sleep(${STOP_MS}L)`, / = <void value>/);
      const said = await jdb.ask(`print ${VARIABLE[place]}`, new RegExp(`${VARIABLE[place]} = .*\\n`));
      read.push(JSON.parse(said.slice(said.indexOf("=") + 1)));
      await jdb.ask("resume", /All threads resumed/);
    }
    await jdb.close();
    return read;
  },
};

let functions: TestFunctions;
let folder: string;

withThaw((made) => {
  functions = made;
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "debug"));
  for (const name of ["tmp", "app"]) mkdirSync(join(folder, name));
});

afterEach(() => rmSync(folder, { recursive: true }));

function withDev({ own, properties, write }: Language, work: (dev: Dev) => Promise<void>, ...given: DevArguments) {
  write(join(folder, "app"));
  writeFileSync(
    join(folder, "template.yaml"),
    `Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: app
      Timeout: ${TIMEOUT_S}
      SnapStart: { ApplyOn: PublishedVersions }
      AutoPublishAlias: live
      Environment: { Variables: ${JSON.stringify(own)} }
      ${properties}
`,
  );
  return withDevIn({ folder, server: functions.server }, work, ...given);
}

async function nameOf(): Promise<string> {
  const { Functions = [] } = await functions.lambda.send(new ListFunctionsCommand({}));
  const begin = `${basename(folder)}-dev-Fn-`;
  return Functions.find(({ FunctionName = "" }) => FunctionName.startsWith(begin))?.FunctionName ?? "";
}

async function variablesOf(FunctionName: string): Promise<unknown> {
  const { Environment } = await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  return Environment?.Variables ?? {};
}

/** The port that the command names in the sentence. */
async function portIn(dev: Dev, sentence: string): Promise<number> {
  // With what stands behind it: the number itself may come in two pieces.
  const said = await dev.heard(new RegExp(`${sentence}[^\\n]*127\\.0\\.0\\.1:\\d+[^\\d]`));
  return Number(/(\d+).$/s.exec(said)?.[1]);
}

describe.each([
  ["Node.js", NODEJS],
  ["Python", PYTHON],
  ["Java", JAVA],
])("%s", (_, language) => {
  it("is debugged at $LATEST, and nothing of it stays", async ({ expect }) => {
    const args = ["--debug", "Fn", "--debug-port", "0", "--no-delete-on-exit"];
    await withDev(
      language,
      async (dev) => {
        await dev.heard(/at the end the stack \S+ stays/);
        const name = await nameOf();
        expect(await variablesOf(name)).toEqual({ ...language.own, ...language.debugged });
        const invoked = functions.invoke(name, { n: 21 });
        const port = await portIn(dev, "waits for a debugger before its Init");
        expect(await language.debug(port, ["handler"], () => undefined)).toEqual([42]);
        expect((await invoked).payload).toMatchObject({ doubled: 42 });
        expect(await dev.end()).toBe(0);
        expect(await variablesOf(name)).toEqual(language.own);
      },
      args,
    );
  });

  it("is debugged in a clone, from before its after-restore hooks", async ({ expect }) => {
    await withDev(
      language,
      async (dev) => {
        await dev.heard(/the stack \S+ is deleted at the end/);
        dev.type("p");
        await dev.heard(/has its snapshot after/);
        const invoked = functions.invoke(await nameOf(), { n: 4 }, "live");
        const port = await portIn(dev, "is restored, and waits before its after-restore hooks");
        expect(await language.debug(port, ["hook", "handler"], () => dev.type("g"))).toEqual(["hooked", 8]);
        expect(JSON.stringify((await invoked).payload)).toMatch(/"doubled":8.*"hooked"|"hooked".*"doubled":8/);
      },
      ["--debug", "Fn", "--debug-port", "0"],
      { terminal: true },
    );
  });
});

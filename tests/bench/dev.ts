/**
 * `thaw dev`: from a save until an invoke answers with the new code, in Node.js, Python and Java. A save of Java is
 * built by the project's own Maven: the same build of the same save is measured alone, too, so that what Thaw adds is
 * seen.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";

const SAVES = 20;
/** Time between two looks for an answer of Java: so much a measured time may be too long. */
const JAVA_POLL_MS = 100;

interface Language {
  readonly label: string;
  readonly logicalId: string;
  readonly file: string;
  readonly code: (value: number) => string;
}

const PLAIN: readonly Language[] = [
  {
    label: "Node.js",
    logicalId: "Js",
    file: "js/index.mjs",
    code: (value) => `export const handler = async () => ${value};\n`,
  },
  {
    label: "Python",
    logicalId: "Py",
    file: "py/app.py",
    code: (value) => `def handler(event, context):\n    return ${value}\n`,
  },
];
const JAVA: Language = {
  label: "Java",
  logicalId: "Jar",
  file: "java/src/main/java/hello/Hello.java",
  code: (value) => `package hello;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;

public class Hello implements RequestHandler<Object, Integer> {
    public Integer handleRequest(Object event, Context context) {
        return ${value};
    }
}
`,
};
/** Its dependencies are fetched when it is built for the first time: thaw dev does that before it watches. */
const JAVA_PROJECT = join(REPOSITORY, "packages/cli/samples/java/pom.xml");
/** As thaw dev runs it (`packages/cli/src/dev/java.ts`). */
const JAVA_BUILD = ["--offline", "--batch-mode", "--quiet", "-DskipTests", "package"];
const MAVEN_OPTS = process.env["MAVEN_OPTS"] ?? "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
const TEMPLATE = `Transform: AWS::Serverless-2016-10-31
Resources:
  Js: { Type: AWS::Serverless::Function, Properties: { CodeUri: js, Handler: index.handler, Runtime: nodejs24.x } }
  Py: { Type: AWS::Serverless::Function, Properties: { CodeUri: py, Handler: app.handler, Runtime: python3.13 } }
  Jar:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: java/target/hello.jar
      Handler: hello.Hello::handleRequest
      Runtime: java17
      MemorySize: 512
      Timeout: 30
`;

export async function* measureDev(): AsyncGenerator<Series> {
  // As users have it: an update shows as InProgress for a while.
  const server = await startThaw({ env: { THAW_STATE_CHANGE_MS: undefined } });
  const folder = mkdtempSync(join(tmpdir(), "thaw-bench-dev-"));
  const alone = mkdtempSync(join(tmpdir(), "thaw-bench-maven-"));
  try {
    for (const language of [...PLAIN, JAVA]) save(folder, language, 0);
    for (const each of [folder, alone]) {
      mkdirSync(join(each, "java"), { recursive: true });
      cpSync(JAVA_PROJECT, join(each, "java/pom.xml"));
    }
    writeFileSync(join(folder, "template.yaml"), TEMPLATE);
    const stop = await startDev(server, folder);
    try {
      const functions = new TestFunctions(server, { keepAlive: true });
      for (const language of PLAIN) {
        const values = await measureSaves(functions, folder, language);
        yield { name: nameOf(language), unit: "ms", values };
      }
      yield* measureJava(functions, folder, alone);
    } finally {
      await stop();
    }
  } finally {
    for (const each of [folder, alone]) rmSync(each, { recursive: true });
    await server.remove();
  }
}

async function* measureJava(functions: TestFunctions, folder: string, alone: string): AsyncGenerator<Series> {
  const builds: number[] = [];
  save(alone, JAVA, 0);
  await build(alone);
  // Each build beside its save: both meet the same host.
  const values = await measureSaves(functions, folder, JAVA, async (value) => {
    save(alone, JAVA, value);
    builds.push(await build(alone));
  });
  yield { name: nameOf(JAVA), unit: "ms", values };
  yield { name: "thaw dev, Java: Maven's build of the same save, alone", unit: "ms", values: builds };
  const beyond = values.map((value, at) => value - (builds[at] ?? Number.NaN));
  yield { name: "thaw dev, Java: beyond that build", unit: "ms", values: beyond };
}

async function measureSaves(
  functions: TestFunctions,
  folder: string,
  language: Language,
  thenDo: (value: number) => Promise<void> = async () => undefined,
): Promise<readonly number[]> {
  const name = await functionOf(functions, language);
  const values: number[] = [];
  const answers = (value: number): Promise<true> =>
    functions.eventually(language.label, async () => {
      // One invoke after the other would take a core from a build.
      if (language === JAVA) await pause(JAVA_POLL_MS);
      return (await functions.invoke(name)).payload === value;
    });
  await answers(0);
  for (let value = 1; value <= SAVES; value++) {
    const startMs = performance.now();
    save(folder, language, value);
    await answers(value);
    values.push(performance.now() - startMs);
    await thenDo(value);
    await functions.invoke(name);
  }
  return values;
}

function nameOf({ label }: Language): string {
  return `thaw dev, ${label}: from a save to an answer of the new code`;
}

async function functionOf({ lambda }: TestFunctions, { logicalId }: Language): Promise<string> {
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  const name = Functions.find((each) => each.FunctionName?.includes(`-dev-${logicalId}-`))?.FunctionName;
  if (name === undefined) throw new Error(`thaw dev made no function of ${logicalId}`);
  return name;
}

function save(folder: string, { file, code }: Language, value: number): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code(value));
}

/** Gives its milliseconds. This process goes on meanwhile: it hears that the server closes an idle connection. */
async function build(folder: string): Promise<number> {
  const startMs = performance.now();
  const env = { ...process.env, MAVEN_OPTS };
  const child = spawn("mvn", JAVA_BUILD, { cwd: join(folder, "java"), env, stdio: ["ignore", "ignore", "inherit"] });
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`Maven ended with ${status}`);
  return performance.now() - startMs;
}

/** Resolves when it watches; gives what ends it. */
async function startDev(server: ThawServer, folder: string): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [CLI, "dev"], {
    cwd: folder,
    env: { ...process.env, ...server.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const watches = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("watching the code")) watches.resolve();
    });
  child.once("exit", () => watches.reject(new Error(`thaw dev ended:\n${said}`)));
  await watches.promise;
  return async () => {
    const closed = once(child, "close");
    child.kill("SIGINT");
    await closed;
  };
}

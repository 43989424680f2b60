/** `thaw dev`: from a save until an invoke answers with the new code, in Node.js and in Python. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";

const SAVES = 20;
/** Those of Node.js and Python are measured alike. */
const LANGUAGES = [
  {
    label: "Node.js",
    logicalId: "Js",
    file: "js/index.mjs",
    code: (value: number) => `export const handler = async () => ${value};\n`,
  },
  {
    label: "Python",
    logicalId: "Py",
    file: "py/app.py",
    code: (value: number) => `def handler(event, context):\n    return ${value}\n`,
  },
] as const;
const TEMPLATE = `Transform: AWS::Serverless-2016-10-31
Resources:
  Js: { Type: AWS::Serverless::Function, Properties: { CodeUri: js, Handler: index.handler, Runtime: nodejs24.x } }
  Py: { Type: AWS::Serverless::Function, Properties: { CodeUri: py, Handler: app.handler, Runtime: python3.13 } }
`;

export async function* measureDev(): AsyncGenerator<Series> {
  // As users have it: an update shows as InProgress for a while.
  const server = await startThaw({ env: { THAW_STATE_CHANGE_MS: undefined } });
  const folder = mkdtempSync(join(tmpdir(), "thaw-bench-dev-"));
  try {
    for (const { file, code } of LANGUAGES) {
      mkdirSync(join(folder, file, ".."));
      writeFileSync(join(folder, file), code(0));
    }
    writeFileSync(join(folder, "template.yaml"), TEMPLATE);
    const stop = await startDev(server, folder);
    try {
      const functions = new TestFunctions(server, { keepAlive: true });
      const { Functions = [] } = await functions.lambda.send(new ListFunctionsCommand({}));
      for (const { label, logicalId, file, code } of LANGUAGES) {
        const name = Functions.find((each) => each.FunctionName?.includes(`-dev-${logicalId}-`))?.FunctionName ?? "";
        const values: number[] = [];
        for (let value = 1; value <= SAVES; value++) {
          await functions.invoke(name);
          const startMs = performance.now();
          writeFileSync(join(folder, file), code(value));
          await functions.eventually(label, async () => (await functions.invoke(name)).payload === value);
          values.push(performance.now() - startMs);
        }
        yield { name: `thaw dev, ${label}: from a save to an answer of the new code`, unit: "ms", values };
      }
    } finally {
      await stop();
    }
  } finally {
    rmSync(folder, { recursive: true });
    await server.remove();
  }
}

/** Resolves when it watches; gives what ends it. */
async function startDev(server: ThawServer, folder: string): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [CLI, "dev"], {
    cwd: folder,
    env: { ...process.env, ...server.env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("watching the code")) resolve();
    });
    child.once("exit", () => reject(new Error(`thaw dev ended:\n${said}`)));
  });
  return async () => {
    const closed = once(child, "close");
    child.kill("SIGINT");
    await closed;
  };
}

/** LoggingConfig's JSON format: the platform's lines, and those of each runtime's client. */
import { it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

interface Line {
  readonly type?: string;
  readonly level?: string;
  readonly message?: unknown;
  readonly requestId?: string;
  readonly errorType?: string;
}

const NODE = `console.debug("not at INFO");
export const handler = async (event) => {
  console.log("hello %s", event.name);
  console.warn({ count: 1 });
  console.error("failed:", new TypeError("no"));
  throw new RangeError("thrown");
};
`;
const PYTHON = `import logging
logger = logging.getLogger()
def handler(event, context):
    logger.debug("not at INFO")
    logger.info("hello %s", event["name"])
    raise ValueError("thrown")
`;

async function linesOf(name: string): Promise<readonly Line[]> {
  const version = await functions.publish(name);
  const answer = await functions.invoke(name, { name: "Ada" }, version);
  if (answer.functionError !== "Unhandled") throw new Error(JSON.stringify(answer));
  return (await functions.logs(name)).map((event) => JSON.parse(event.message) as Line);
}

it("Node.js: every line is a document", async ({ expect }) => {
  const lines = await linesOf(
    await functions.createSnapStart({ "index.mjs": NODE }, { LoggingConfig: { LogFormat: "JSON" } }),
  );
  expect(lines.map((line) => line.type ?? line.level)).toEqual([
    "platform.initStart",
    "platform.initReport",
    "platform.restoreStart",
    "platform.restoreReport",
    "platform.start",
    "INFO",
    "WARN",
    "ERROR",
    "ERROR",
    "platform.report",
  ]);
  const [hello, count, failed, thrown] = lines.filter((line) => line.level !== undefined);
  expect(hello).toMatchObject({
    level: "INFO",
    message: "hello Ada",
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(count).toMatchObject({ level: "WARN", message: { count: 1 } });
  expect(failed).toMatchObject({
    errorType: "TypeError",
    errorMessage: "no",
    message: expect.stringContaining("failed: TypeError: no"),
  });
  expect(thrown).toMatchObject({ message: { errorType: "RangeError", errorMessage: "thrown" } });
});

it("Python: AWS's client writes documents, too", async ({ expect }) => {
  const options = {
    Runtime: "python3.13" as const,
    Handler: "app.handler",
    LoggingConfig: { LogFormat: "JSON" as const },
  };
  const lines = await linesOf(await functions.createSnapStart({ "app.py": PYTHON }, options));
  const own = lines.filter((line) => line.level !== undefined);
  expect(own[0]).toMatchObject({ level: "INFO", message: "hello Ada" });
  expect(own.at(-1)).toMatchObject({ level: "ERROR", errorType: "ValueError" });
});

it("leaves out what is below the levels", async ({ expect }) => {
  const LoggingConfig = { LogFormat: "JSON", ApplicationLogLevel: "ERROR", SystemLogLevel: "WARN" } as const;
  const lines = await linesOf(await functions.createSnapStart({ "index.mjs": NODE }, { LoggingConfig }));
  expect(lines.map((line) => line.type ?? line.level)).toEqual(["ERROR", "ERROR"]);
});

const TIME = "2026-11-29T00:00:00Z";
const PRINTED = ["DEBUG", "info", "Warn", "ERROR"].map((level) => JSON.stringify({ level, timestamp: TIME }));

it.for<[string, string, Record<string, string>]>([
  ["python3.13", "app.handler", { "app.py": `def handler(event, context):\n    for line in event: print(line)\n` }],
  [
    "nodejs24.x",
    "index.handler",
    {
      "index.mjs": `export const handler = async (event) => { for (const line of event) process.stdout.write(line + "\\n"); };`,
    },
  ],
])(
  "%s: leaves out what is printed as JSON below the level, and no text",
  async ([Runtime, Handler, files], { expect }) => {
    const LoggingConfig = { LogFormat: "JSON", ApplicationLogLevel: "WARN", SystemLogLevel: "WARN" } as const;
    const name = await functions.create(files, { Runtime: Runtime as "python3.13", Handler, LoggingConfig });
    const without = [JSON.stringify({ level: "ERROR", message: "no time" }), "text", '{"level":"DEBUG"'];
    await functions.invoke(name, [...PRINTED, ...without]);
    expect((await functions.logs(name)).map((event) => event.message)).toEqual([
      PRINTED[2],
      PRINTED[3],
      "text",
      '{"level":"DEBUG"',
    ]);
  },
);

it("Python: a level that the function sets lower does not get past the configured one", async ({ expect }) => {
  const app = `import logging
logging.getLogger().setLevel(logging.DEBUG)
def handler(event, context):
    logging.debug("debug")
    logging.info("info")
    logging.warning("warning")
`;
  const LoggingConfig = { LogFormat: "JSON", ApplicationLogLevel: "WARN", SystemLogLevel: "WARN" } as const;
  const options = { Runtime: "python3.13", Handler: "app.handler", LoggingConfig } as const;
  const name = await functions.create({ "app.py": app }, options);
  await functions.invoke(name);
  expect((await functions.logs(name)).map((event) => (JSON.parse(event.message) as Line).message)).toEqual(["warning"]);
});

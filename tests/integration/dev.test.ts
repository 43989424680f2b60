/** `thaw dev` against a real server: saves of every kind, until the function answers with what was saved. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DescribeStacksCommand, CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { GetAliasCommand, ListFunctionsCommand, ListVersionsByFunctionCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, beforeEach, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { runThaw } from "../support/cli.ts";
import { type Dev, type DevArguments, withDevIn } from "../support/dev.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
let stacks: CloudFormationClient;
let folder: string;

withThaw((made) => {
  functions = made;
});

beforeAll(() => {
  const { endpoint, env } = functions.server;
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  stacks = new CloudFormationClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
});

afterAll(() => stacks?.destroy());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dev"));
  mkdirSync(join(folder, "tmp"));
  return () => rmSync(folder, { recursive: true });
});

const stackName = (): string => `${basename(folder)}-dev`;

const withDev = (work: (dev: Dev) => Promise<void>, ...given: DevArguments): Promise<void> =>
  withDevIn({ folder, server: functions.server }, work, ...given);

function template(resources: string): void {
  writeFileSync(
    join(folder, "template.yaml"),
    `Transform: AWS::Serverless-2016-10-31
Globals: { Function: { CodeUri: app, Handler: index.handler, Runtime: nodejs24.x, Timeout: 60 } }
Resources:
${resources}`,
  );
}

function save(name: string, text: string): void {
  mkdirSync(join(folder, "app"), { recursive: true });
  writeFileSync(join(folder, "app", name), text);
}

const answering = (value: string): string => `export const handler = async () => ${JSON.stringify(value)};\n`;

async function nameOf(logicalId: string): Promise<string> {
  const { Functions = [] } = await functions.lambda.send(new ListFunctionsCommand({}));
  const begin = `${stackName()}-${logicalId}-`;
  return Functions.find(({ FunctionName = "" }) => FunctionName.startsWith(begin))?.FunctionName ?? "";
}

/** Until the function answers so. */
function answers(name: string, value: unknown, qualifier?: string): Promise<true> {
  return functions.eventually(`${name} answers ${String(value)}`, async () => {
    const { payload } = await functions.invoke(name, {}, qualifier);
    return payload === value;
  });
}

async function versionsOf(FunctionName: string): Promise<readonly string[]> {
  const { Versions = [] } = await functions.lambda.send(new ListVersionsByFunctionCommand({ FunctionName }));
  return Versions.map(({ Version = "" }) => Version);
}

async function stackStatus(): Promise<string | null> {
  const found = await stacks.send(new DescribeStacksCommand({ StackName: stackName() })).catch(() => null);
  return found?.Stacks?.[0]?.StackStatus ?? null;
}

const CONFLICT = [
  "HTTP/1.1 409 Conflict",
  "content-type: application/json",
  "x-amzn-errortype: ResourceConflictException",
  "connection: close",
  "",
  '{"Type":"User","Message":"An update is in progress"}',
].join("\r\n");

/** A door to the server that can be shut, as if it did not run. */
class Door {
  readonly #open = new Set<Socket>();
  readonly #server = createServer((socket) => {
    const { hostname, port } = new URL(functions.server.endpoint);
    const inner = connect(Number(port), hostname);
    socket.on("data", (bytes: Buffer) => {
      if (this.refused !== null && bytes.includes(this.refused)) {
        this.refused = null;
        inner.destroy();
        socket.end(CONFLICT);
      }
      if (this.cut === null || !bytes.includes(this.cut)) return;
      this.cut = null;
      socket.destroy();
    });
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      this.#open.add(one);
      one.on("error", () => other.destroy()).pipe(other);
    }
  });
  endpoint = "";
  /** A request with this in it is cut off, once. */
  cut: string | null = null;
  /** A request with this in it finds that somebody else is changing what it would change, once. */
  refused: string | null = null;

  async open(): Promise<void> {
    const listening = once(this.#server, "listening");
    this.#server.listen(this.endpoint === "" ? 0 : Number(new URL(this.endpoint).port), "127.0.0.1");
    await listening;
    this.endpoint = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async shut(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
    await closed;
  }
}

/** Watches of inotify that a process has. */
function watchesOf(pid: number): number {
  const read = (fd: string): string => {
    try {
      return readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
    } catch (error) {
      // A descriptor that was closed meanwhile watches nothing.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  };
  return readdirSync(`/proc/${pid}/fdinfo`)
    .map(read)
    .reduce((sum, text) => sum + text.split("\n").filter((line) => line.startsWith("inotify ")).length, 0);
}

it("puts a save into the function, shows its invokes, and leaves nothing", async ({ expect }) => {
  save("index.mjs", "export const handler = async () => { console.log('printed'); return 'one'; };\n");
  template(`  Hello: { Type: AWS::Serverless::Function, Properties: {} }
Outputs: { Name: { Value: !Ref Hello } }
`);
  await withDev(async (dev) => {
    await dev.heard(/watching the code of Hello/);
    const name = await nameOf("Hello");
    expect(dev.said).toContain(`Name = ${name}`);
    expect(dev.said).toContain(`the stack ${stackName()} is deleted at the end`);
    const { payload } = await functions.invoke(name);
    expect(payload).toBe("one");
    await dev.heard(new RegExp(`${name} \\| .*printed`));
    await dev.heard(new RegExp(`${name}  initialised  success  \\d`));
    expect(dev.said).not.toContain("REPORT");

    save("index.mjs", answering("two"));
    await dev.heard(new RegExp(`${name}: new code is ready \\d+ ms after the save`));
    // It may have been ready with the first half of the save, as the file was empty for a moment.
    await answers(name, "two");

    // As editors do it: another file takes the name.
    const from = dev.said.length;
    writeFileSync(join(folder, "app/.index.mjs.swp"), answering("three"));
    renameSync(join(folder, "app/.index.mjs.swp"), join(folder, "app/index.mjs"));
    await dev.heard(/new code is ready/, from);
    await answers(name, "three");

    // A folder that comes later is watched, too.
    mkdirSync(join(folder, "app/lib/deep"), { recursive: true });
    save("lib/deep/value.mjs", "export const value = 'four';\n");
    save("index.mjs", "import { value } from './lib/deep/value.mjs';\nexport const handler = async () => value;\n");
    await answers(name, "four");
    save("lib/deep/value.mjs", "export const value = 'five';\n");
    await answers(name, "five");
    expect(await dev.end()).toBe(0);
    expect(dev.said).toContain(`the stack ${stackName()} is gone`);
  });
  expect(await stackStatus()).toBe(null);
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
});

it("shows a broken save of Node.js and of Python, keeps the code, and goes on with the next", async ({ expect }) => {
  save("index.mjs", answering("whole"));
  save("app.py", "def handler(event, context):\n    return 'whole'\n");
  template(`  Js: { Type: AWS::Serverless::Function, Properties: {} }
  Py: { Type: AWS::Serverless::Function, Properties: { CodeUri: python, Handler: app.handler, Runtime: python3.13 } }
`);
  mkdirSync(join(folder, "python"));
  const python = (text: string): void => writeFileSync(join(folder, "python/app.py"), text);
  python("def handler(event, context):\n    return 'whole'\n");
  await withDev(async (dev) => {
    await dev.heard(/watching the code of Js, Py/);
    const [js, py] = [await nameOf("Js"), await nameOf("Py")];
    save("index.mjs", "export const handler = async () => {\n");
    await dev.heard(/Js: this save is broken, and the code so far stays:\n[^]*SyntaxError: /);
    python("def handler(event, context)\n    return 'broken'\n");
    await dev.heard(
      /Py: this save is broken, and the code so far stays:\npython\/app\.py:1: SyntaxError: expected ':'/,
    );
    expect((await functions.invoke(js)).payload).toBe("whole");
    expect((await functions.invoke(py)).payload).toBe("whole");
    // The template waits for the code, too.
    const from = dev.said.length;
    template(`  Js: { Type: AWS::Serverless::Function, Properties: { Timeout: 9 } }
  Py: { Type: AWS::Serverless::Function, Properties: { CodeUri: python, Handler: app.handler, Runtime: python3.13 } }
`);
    await dev.heard(/it is deployed when the code is whole/, from);
    python("def handler(event, context):\n    return 'mended'\n");
    save("index.mjs", answering("mended"));
    await answers(js, "mended");
    await answers(py, "mended");
    await dev.heard(/Js AWS::Lambda::Function \S+: updated/, from);
  });
});

it("puts the last of many saves in, and leaves nothing behind for any of them", async ({ expect }) => {
  save("index.mjs", answering("0"));
  template("  Hello: { Type: AWS::Serverless::Function, Properties: { AutoPublishAlias: live } }\n");
  await withDev(async (dev) => {
    await dev.heard(/watching the code/);
    const name = await nameOf("Hello");
    const before = {
      versions: await versionsOf(name),
      watches: watchesOf(dev.pid),
      files: readdirSync(tmpdir()).length,
    };
    // Two saves at once, and saves each of which is waited for, at the alias that the stack has.
    for (let count = 1; count <= 20; count++) {
      save("index.mjs", answering(`${count} first`));
      save("index.mjs", answering(String(count)));
      if (count % 4 === 0) await answers(name, String(count), "live");
    }
    await answers(name, "20", "live");
    expect(await versionsOf(name)).toEqual(before.versions);
    expect(watchesOf(dev.pid)).toBe(before.watches);
    await functions.eventually("no process", async () => childrenOf(dev.pid).length === 0);
    expect(readdirSync(join(folder, "app"))).toEqual(["index.mjs"]);
    // None of them comes after the last one.
    expect((await functions.invoke(name, {}, "live")).payload).toBe("20");
    expect(dev.said).not.toContain("broken");
  });
  expect(await stackStatus()).toBe(null);
});

it("deploys a changed template again, and says what is wrong with one", async () => {
  save("index.mjs", "export const handler = async () => process.env.WHO ?? 'nobody';\n");
  template("  Hello: { Type: AWS::Serverless::Function, Properties: {} }\n");
  await withDev(async (dev) => {
    await dev.heard(/watching the code/);
    const name = await nameOf("Hello");
    template("  Hello: { Type: AWS::Serverless::Function, Properties: { MemorySize: 1 } }\n");
    await dev.heard(/ended in UPDATE_ROLLBACK_COMPLETE/);
    save("index.mjs", "export const handler = async () => process.env.WHO ?? 'still nobody';\n");
    await answers(name, "still nobody");
    template(`  Hello: { Type: AWS::Serverless::Function, Properties: { Environment: { Variables: { WHO: me } } } }
  Other: { Type: AWS::Serverless::Function, Properties: { CodeUri: other } }
`);
    await dev.heard(/other is not there\. In /);
    mkdirSync(join(folder, "other"));
    writeFileSync(join(folder, "other/index.mjs"), answering("other"));
    await answers(name, "me");
    await dev.heard(/Other AWS::Lambda::Function \S+: created/);
    writeFileSync(join(folder, "other/index.mjs"), answering("another"));
    await answers(await nameOf("Other"), "another");
  });
});

it("keeps a stack that was there, and puts its aliases back", async ({ expect }) => {
  save("index.mjs", answering("deployed"));
  template(`  Hello:
    Type: AWS::Serverless::Function
    Properties: { AutoPublishAlias: live, SnapStart: { ApplyOn: PublishedVersions } }
`);
  const made = await runThaw(["deploy", "--stack-name", stackName()], functions.server.env, folder);
  expect(made.code, made.stderr).toBe(0);
  const name = await nameOf("Hello");
  const live = { FunctionName: name, Name: "live" };
  await withDev(
    async (dev) => {
      await dev.heard(/keys: c next invoke cold {3}p publish/);
      expect(dev.said).toContain(`at the end the stack ${stackName()} stays`);
      save("index.mjs", answering("saved"));
      await answers(name, "saved", "live");
      dev.type("c");
      await dev.heard(/\d environments stopped/);
      dev.type("p");
      await dev.heard(/version 2 has its snapshot after/);
      expect((await functions.lambda.send(new GetAliasCommand(live))).FunctionVersion).toBe("2");
      await functions.invoke(name, {}, "live");
      await dev.heard(new RegExp(`${name}:2  restored  success`));
      save("index.mjs", answering("saved again"));
      await answers(name, "saved again", "live");
      await functions.eventually("the version has gone", async () => (await versionsOf(name)).length === 2);
      dev.type("q");
      expect(await dev.end(null)).toBe(0);
    },
    [],
    { terminal: true },
  );
  expect((await functions.lambda.send(new GetAliasCommand(live))).FunctionVersion).toBe("1");
  expect(await versionsOf(name)).toEqual(["$LATEST", "1"]);
  expect((await runThaw(["delete", stackName(), "--yes"], functions.server.env, folder)).code).toBe(0);
});

it("keeps the code where a save takes the handler away, and goes on when it is there again", async ({ expect }) => {
  save("index.mjs", answering("one"));
  save("word.py", "def handler(event, context):\n    return 'one'\n");
  template(`  Hello: { Type: AWS::Serverless::Function, Properties: {} }
  Word: { Type: AWS::Serverless::Function, Properties: { Runtime: python3.13, Handler: word.handler } }
`);
  await withDev(async (dev) => {
    await dev.heard(/watching the code/);
    const [hello, word] = [await nameOf("Hello"), await nameOf("Word")];
    rmSync(join(folder, "app/index.mjs"));
    await dev.heard(
      /Hello: this save is broken, and the code so far stays:\nits handler index\.handler is not there: /,
    );
    expect((await functions.invoke(hello)).payload).toBe("one");
    const from = dev.said.length;
    save("index.mjs", answering("two"));
    save("word.py", "def handlr(event, context):\n    return 'two'\n");
    await dev.heard(
      /Word: this save is broken, and the code so far stays:\nits handler word\.handler .* has no handler/,
      from,
    );
    expect((await functions.invoke(word)).payload).toBe("one");
    save("word.py", "def handler(event, context):\n    return 'two'\n");
    await answers(word, "two");
    await answers(hello, "two");
  });
});

it("goes on when the server answers again, and refuses what it does not have", async ({ expect }) => {
  save("index.mjs", answering("one"));
  template("  Hello: { Type: AWS::Serverless::Function, Properties: {} }\n");
  const door = new Door();
  // The first question of those who follow: the server may go at any moment.
  door.cut = "GET /_thaw/v1/invocations?limit=1 ";
  await door.open();
  try {
    const env = { THAW_ENDPOINT: door.endpoint };
    await withDev(
      async (dev) => {
        await dev.heard(/invocations are not shown at the moment/);
        expect(door.cut).toBe(null);
        const name = await nameOf("Hello");
        await door.shut();
        await dev.heard(/logs are not shown at the moment/);
        save("index.mjs", answering("two"));
        await dev.heard(/the code so far stays: no server answers/);
        await door.open();
        await answers(name, "two");
        // Those that came before it followed again are not shown, and the first one with new code is cold.
        await functions.eventually("a warm invoke is shown", async () => {
          await functions.invoke(name);
          return dev.said.includes(`${name}  warm  success`);
        });
      },
      [],
      { env },
    );
    const asked = await runThaw(["--json", "dev"], functions.server.env, folder);
    expect([asked.code, asked.stderr]).toEqual([1, "thaw: dev is for people: it has no --json\n"]);
  } finally {
    await door.shut();
  }
});

it("refuses a second one for its stack until it has ended", async ({ expect }) => {
  save("index.mjs", answering("one"));
  template("  Hello: { Type: AWS::Serverless::Function, Properties: {} }\n");
  await withDev(async (dev) => {
    await dev.heard(/watching the code/);
    const name = await nameOf("Hello");
    const second = await runThaw(["dev"], functions.server.env, folder);
    expect([second.code, second.stderr]).toEqual([
      1,
      `thaw: another thaw dev works on the stack ${stackName()}. End it, or take a stack of your own: --stack-name NAME\n`,
    ]);
    expect((await functions.invoke(name)).payload).toBe("one");
    expect(await dev.end()).toBe(0);
  });
  await withDev(async (dev) => {
    await dev.heard(/watching the code/);
  });
});

it("puts a save in after another change of the function", async () => {
  save("index.mjs", answering("one"));
  template("  Hello: { Type: AWS::Serverless::Function, Properties: {} }\n");
  const door = new Door();
  await door.open();
  try {
    await withDev(
      async (dev) => {
        await dev.heard(/watching the code/);
        const name = await nameOf("Hello");
        door.refused = `PUT /2015-03-31/functions/${name}/code `;
        save("index.mjs", answering("two"));
        await dev.heard(/somebody else is changing the function\. The save is tried again/);
        await answers(name, "two");
      },
      [],
      { env: { THAW_ENDPOINT: door.endpoint } },
    );
  } finally {
    await door.shut();
  }
});

it("ends, and leaves nothing, when nobody reads what it says", async ({ expect }) => {
  save("index.mjs", answering("one"));
  template("  Hello: { Type: AWS::Serverless::Function, Properties: {} }\n");
  await withDev(async (dev) => {
    await dev.heard(/at the end/);
    dev.leave();
    await functions.invoke(await nameOf("Hello"));
    expect(await dev.end(null)).toBe(0);
  });
  expect(await stackStatus()).toBe(null);
});

it("ends at once when it is asked twice, and says what remains", async ({ expect }) => {
  save("index.mjs", answering("one"));
  template("  Hello: { Type: AWS::Serverless::Function, Properties: {} }\n");
  await withDev(
    async (dev) => {
      await dev.heard(/keys: /);
      dev.type("q\u0003");
      expect(await dev.end(null)).toBe(130);
      expect(dev.said).toMatch(/ended at once: the stack \S+ stays\. To remove it: .* delete \S+/);
    },
    [],
    { terminal: true },
  );
  expect(await stackStatus()).toBe("CREATE_COMPLETE");
  expect((await runThaw(["delete", stackName(), "--yes"], functions.server.env, folder)).code).toBe(0);
});

/** `thaw dev` with TypeScript: a save is bundled by the project's own esbuild. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { beforeEach, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { type Dev, withDevIn } from "../support/dev.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
let folder: string;

withThaw((made) => {
  functions = made;
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dev"));
  mkdirSync(join(folder, "tmp"));
  return () => rmSync(folder, { recursive: true });
});

const stackName = (): string => `${basename(folder)}-dev`;

const withDev = (work: (dev: Dev) => Promise<void>): Promise<void> =>
  withDevIn({ folder, server: functions.server }, work);

function save(name: string, text: string): void {
  mkdirSync(join(folder, "app"), { recursive: true });
  writeFileSync(join(folder, "app", name), text);
}

/** Until the function of the template answers so. */
async function answers(value: string): Promise<true> {
  const { Functions = [] } = await functions.lambda.send(new ListFunctionsCommand({}));
  const name = Functions.find((each) => each.FunctionName?.startsWith(`${stackName()}-Hello-`))?.FunctionName ?? "";
  return functions.eventually(value, async () => (await functions.invoke(name)).payload === value);
}

it("bundles TypeScript with the project's own esbuild", async ({ expect }) => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(REPOSITORY, "node_modules/esbuild"), join(folder, "node_modules/esbuild"));
  // More than a package may have, of which the bundle has nothing.
  mkdirSync(join(folder, "app/node_modules"), { recursive: true });
  writeFileSync(join(folder, "app/node_modules/large"), "");
  truncateSync(join(folder, "app/node_modules/large"), 300 * 2 ** 20);
  writeFileSync(join(folder, "shared.ts"), "export const more: string = '';\n");
  save("greeting.ts", "import { more } from '../shared.ts';\nexport const greeting: string = `one${more}`;\n");
  save("app.ts", "import { greeting } from './greeting.ts';\nexport const handler = async () => greeting;\n");
  writeFileSync(
    join(folder, "template.yaml"),
    `Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: esbuild, BuildProperties: { EntryPoints: [app.ts] } }
    Properties: { CodeUri: app, Handler: app.handler, Runtime: nodejs24.x, Timeout: 60 }
`,
  );
  await withDev(async (dev) => {
    await dev.heard(/watching the code/);
    await answers("one");
    // It is outside of CodeUri, and the bundle has it.
    writeFileSync(join(folder, "shared.ts"), "export const more: string = ' more';\n");
    await answers("one more");
    save("greeting.ts", "export const greeting: string = ;\n");
    await dev.heard(/this save is broken, and the code so far stays:\n[^]*greeting\.ts:1:32/);
    save("greeting.ts", "export const greeting: string = 'two';\n");
    await answers("two");
  });
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
});

it("takes a save of the TypeScript sample of thaw init", async ({ expect }) => {
  expect(await runThaw(["init", folder, "--runtime", "typescript"])).toMatchObject({ code: 0 });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(REPOSITORY, "node_modules/esbuild"), join(folder, "node_modules/esbuild"));
  const greets = (word: string): Promise<true> =>
    functions.eventually(`the sample says ${word}`, async () => {
      const { payload } = await functions.invoke(stackName());
      return JSON.stringify(payload).includes(`${word}, world!`);
    });
  await withDev(async (dev) => {
    await dev.heard(/watching the code of Hello/);
    expect(dev.said).not.toContain("note: Hello");
    await greets("Hello");
    const source = join(folder, "src/app.ts");
    writeFileSync(source, readFileSync(source, "utf8").replace('return "Hello"', 'return "Welcome"'));
    await greets("Welcome");
  });
});

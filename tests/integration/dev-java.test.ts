// long: Maven builds a project several times, and each build is new to the JVM
/** `thaw dev` with Java: a save is built by the project's own Maven. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { beforeEach, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { withDevIn } from "../support/dev.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

/** Its dependencies were fetched when it was built for the tests of thaw init. */
const PROJECT = join(REPOSITORY, "packages/cli/samples/java/pom.xml");
const SOURCE = "src/main/java/hello/Hello.java";

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

/** `value`: an expression. */
function write(name: string, text: string): void {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function save(value: string): void {
  write(
    SOURCE,
    `package hello;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;

public class Hello implements RequestHandler<Object, String> {
    public String handleRequest(Object event, Context context) {
        return ${value};
    }
}
`,
  );
}

it("builds each save of a source, and keeps the code of one that does not compile", { timeout: 600_000 }, async ({
  expect,
}) => {
  cpSync(PROJECT, join(folder, "pom.xml"));
  writeFileSync(
    join(folder, "template.yaml"),
    `Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Handler: "hello.Hello::handleRequest", Runtime: java17, MemorySize: 512, Timeout: 120 } }
Resources:
  Jar: { Type: AWS::Serverless::Function, Properties: { CodeUri: target/hello.jar } }
`,
  );
  save('"one"');
  await withDevIn({ folder, server: functions.server }, async (dev) => {
    await dev.heard(/watching the code of Jar/);
    const { Functions = [] } = await functions.lambda.send(new ListFunctionsCommand({}));
    const name = Functions.find((each) => each.FunctionName?.startsWith(`${basename(folder)}-dev-Jar-`))?.FunctionName;
    /** Until the function answers so: a first Init of Java may run into its limit on a busy host. */
    const answers = (value: string): Promise<true> =>
      functions.eventually(value, async () => (await functions.invoke(name ?? "")).payload === value, 120_000);
    await answers("one");
    const jar = join(folder, "target/hello.jar");
    const before = readFileSync(jar);

    save('"two" +');
    await dev.heard(
      /Jar: this save is broken, and the code so far stays:\n\/?src\/main\/java\/hello\/Hello\.java:\[8,\d+\] illegal start/,
    );
    await answers("one");
    expect(readFileSync(jar).equals(before)).toBe(true);
    expect(dev.said).not.toContain("[Help 1]");

    renameSync(join(folder, SOURCE), join(folder, "Hello.java"));
    write("src/main/java/hello/Other.java", "package hello;\n\npublic class Other {}\n");
    await dev.heard(
      /Jar: this save is broken[^\n]*\nits handler hello\.Hello::handleRequest is not there: there is no class/,
    );
    await answers("one");

    const from = dev.said.length;
    save('"two"');
    await dev.heard(/Jar-\w+: new code is ready \d+ ms after the save/, from);
    await answers("two");
    expect(await dev.end()).toBe(0);
    // What a build writes is no save: there would be another build, whose jar differs by its times.
    expect(dev.said.match(/new code is ready/g)).toHaveLength(1);
  });
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
});

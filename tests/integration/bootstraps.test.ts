/** Bootstraps and wrapper scripts that are no programs: AWS's errors, and a line in the log that says what they are. */
import { CreateFunctionCommand, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { ZipFile } from "yazl";
import { ROLE, type TestFunctions, WAIT } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

interface Entry {
  readonly content?: string | Buffer;
  readonly mode?: number;
  /** Makes `bootstrap` a folder. */
  readonly isFolder?: true;
}

async function make(name: string, { content = "", mode = 0o100755, isFolder }: Entry): Promise<void> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(content as string), isFolder === true ? "bootstrap/file" : "bootstrap", { mode });
  zip.end();
  const ZipFileBytes = Buffer.concat((await Readable.from(zip.outputStream).toArray()) as Buffer[]);
  await functions.lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      Runtime: "provided.al2023",
      Handler: "x",
      Code: { ZipFile: ZipFileBytes },
    }),
  );
  await waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName: name });
}

const FOREIGN_ELF = Buffer.concat([
  Buffer.from("7f454c46020101000000000000000000", "hex"),
  // An executable for SPARC: no host of Thaw is one.
  Buffer.from("02002b0001000000", "hex"),
  Buffer.alloc(40),
]);

it.for<[string, Entry, string, string]>([
  ["not executable", { content: "#!/bin/sh\n", mode: 0o100644 }, "permission denied", "not executable for everybody"],
  [
    "for another machine",
    { content: FOREIGN_ELF },
    "exec format error",
    "is a program for another machine (number 43)",
  ],
  ["without #!", { content: "echo hello\n" }, "exec format error", "nor a script whose first line names"],
  ["empty", {}, "exec format error", "is empty"],
  ["with a missing interpreter", { content: "#!/usr/bin/nope\n" }, "no such file or directory", '"/usr/bin/nope"'],
  ["with Windows line ends", { content: "#!/bin/sh\r\n" }, "no such file or directory", "carriage return"],
  ["a folder", { isFolder: true }, "", "is a folder, not a program"],
])("a bootstrap %s", async ([kind, entry, reason, sentence]) => {
  const name = `bootstrap-${kind.replace(/\W+/g, "-")}`;
  await make(name, entry);
  const answer = await functions.invoke(name);
  const error =
    reason === ""
      ? "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
      : `fork/exec /var/task/bootstrap: ${reason}`;
  expect(answer.payload).toEqual({
    errorType: "Runtime.InvalidEntrypoint",
    errorMessage: expect.stringMatching(/^RequestId: [0-9a-f-]{36} Error: /),
  });
  expect((answer.payload as { errorMessage: string }).errorMessage.split(" Error: ")[1]).toBe(error);
  expect(answer.log).toContain(sentence);
});

it("a wrapper script with Windows line ends is there, but can't be started", async () => {
  const files = {
    "index.mjs": "export const handler = async () => 1;",
    "bin/wrapper": '#!/bin/sh\r\nexec "$@"\r\n',
  };
  const Environment = { Variables: { AWS_LAMBDA_EXEC_WRAPPER: "/var/task/bin/wrapper" } };
  const name = await functions.create(files, { Environment });
  const answer = await functions.invoke(name);
  expect(answer.payload).toMatchObject({
    errorType: "Runtime.ExitError",
    errorMessage: expect.stringContaining("exit status 127"),
  });
  expect((await functions.logs(name)).map((event) => event.message)).toContain(
    "/var/task/bin/wrapper: can't be started: no such file or directory",
  );
  expect(answer.log).toContain("ends in a carriage return");
});

/** Wrapper scripts: AWS_LAMBDA_EXEC_WRAPPER, "Modifying the runtime environment" in AWS's documentation. */
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { expect, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

interface Language {
  readonly Runtime: "python3.13" | "nodejs24.x" | "java17";
  readonly Handler?: string;
  readonly files: () => Files;
  /** An option of the language that its function sees, and what it sees then. */
  readonly option: string;
  readonly seen: unknown;
  /** What is found in PATH, as on AWS. */
  readonly programs: readonly string[];
}

const PYTHON = `import os, sys
def handler(event, context):
    return {"option": sys.flags.dev_mode, "programs": os.environ.get("PROGRAMS")}
`;
const NODE = `exports.handler = async () => ({ option: Error.stackTraceLimit, programs: process.env.PROGRAMS });`;
const LANGUAGES: readonly Language[] = [
  {
    Runtime: "python3.13",
    files: () => ({ "index.py": PYTHON }),
    option: "-Xdev",
    seen: true,
    programs: ["python", "python3", "python3.13"],
  },
  {
    Runtime: "nodejs24.x",
    files: () => ({ "index.js": NODE }),
    option: "--stack-trace-limit=7",
    seen: 7,
    programs: ["node"],
  },
  {
    Runtime: "java17",
    Handler: "Wrapped",
    files: () => javaPackage("wrapped/Wrapped.java", /^$/),
    option: "-Dwrapped=yes",
    seen: "yes",
    programs: ["java"],
  },
];

/**
 * As AWS's documentation has it: options of the language go before the last word of the command line. PROGRAMS: where
 * each program is found, and whether it is the one that the command line names.
 */
function wrapper({ option, programs }: Language): string {
  return `#!/bin/bash
words=("$@")
for name in ${programs.join(" ")}; do
  found=$(command -v "$name")
  [ "$found" -ef "$1" ] && PROGRAMS+="$found "
done
export PROGRAMS
exec "\${words[@]:0:$#-1}" ${option} "\${words[@]: -1}"
`;
}

const wrapped = (path: string): Pick<CreateFunctionCommandInput, "Environment"> => ({
  Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: path } },
});

test.each(LANGUAGES)(
  "$Runtime: a wrapper script adds an option and finds the language, before a snapshot too",
  async (language) => {
    const { Runtime, Handler = "index.handler", files, seen, programs } = language;
    const name = await functions.createSnapStart(
      { ...files(), "bin/wrapper": wrapper(language) },
      { Runtime, Handler, MemorySize: 512, ...wrapped("/var/task/bin/wrapper") },
    );
    const expected = { option: seen, programs: programs.map((program) => `/var/lang/bin/${program} `).join("") };
    expect((await functions.invoke(name)).payload).toEqual(expected);
    const version = await functions.publish(name);
    const restored = await functions.invoke(name, {}, version);
    expect(restored.payload).toEqual(expected);
    expect(restored.log).toContain("Restore Duration");
  },
);

test("a custom runtime has no wrapper scripts: the variable is its own", async () => {
  const bootstrap = `#!/bin/bash
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  id=$(curl -sS -o /dev/null -D - "$api/next" | tr -d '\\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
  curl -sS -o /dev/null -d "\\"$AWS_LAMBDA_EXEC_WRAPPER\\"" "$api/$id/response"
done
`;
  const options = { Runtime: "provided.al2023", ...wrapped("/var/task/none") } as const;
  const name = await functions.createSnapStart({ bootstrap }, options);
  expect((await functions.invoke(name)).payload).toBe("/var/task/none");
  const version = await functions.publish(name);
  expect((await functions.invoke(name, {}, version)).payload).toBe("/var/task/none");
});

test.each([
  ["/var/task/none", "/var/task/none: does not exist", 127],
  ["/var/task/wrapper", "/var/task/wrapper: is not an executable", 126],
])("%s is reported as a shell would", async (path, line, status) => {
  const files = { "index.py": PYTHON, wrapper: "#!/bin/sh\nexec $@\n" };
  const name = await functions.create(files, { Runtime: "python3.13", ...wrapped(path) });
  const failed = await functions.invoke(name);
  expect(failed).toMatchObject({
    functionError: "Unhandled",
    payload: {
      errorType: "Runtime.ExitError",
      errorMessage: expect.stringMatching(`Error: Runtime exited with error: exit status ${status}$`),
    },
  });
  expect((await functions.logs(name)).map((event) => event.message)).toContain(line);
});

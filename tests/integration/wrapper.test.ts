/** Wrapper scripts: AWS_LAMBDA_EXEC_WRAPPER, "Modifying the runtime environment" in AWS's documentation. */
import { expect, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const FILES: Files = {
  "index.py":
    "import os, sys\ndef handler(event, context):\n    return [os.environ.get('FROM_WRAPPER'), sys.flags.dev_mode]\n",
  "bin/wrapper": '#!/bin/bash\nexport FROM_WRAPPER=yes\nexec "$1" -X dev "${@:2}"\n',
  wrapper: "#!/bin/sh\nexec $@\n",
};
const wrapped = (path: string): Parameters<TestFunctions["createSnapStart"]>[1] => ({
  Runtime: "python3.13",
  Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: path } },
});

test("a wrapper script gets the command line of the runtime and starts it, before a snapshot too", async () => {
  const name = await functions.createSnapStart(FILES, wrapped("/var/task/bin/wrapper"));
  expect((await functions.invoke(name)).payload).toMatchObject(["yes", true]);
  const version = await functions.publish(name);
  const restored = await functions.invoke(name, {}, version);
  expect(restored.payload).toMatchObject(["yes", true]);
  expect(restored.log).toContain("Restore Duration");
});

test.each([
  ["/var/task/none", "/var/task/none: does not exist", 127],
  ["/var/task/wrapper", "/var/task/wrapper: is not an executable", 126],
])("%s is reported as a shell would", async (path, line, status) => {
  const name = await functions.create(FILES, wrapped(path));
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

/** A second function of the same code, with other variables and, in stock.ts, with a wrapper script. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateFunctionCommand, GetFunctionCommand, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { ROLE, type TestFunctions } from "../support/functions.ts";

interface Changes {
  readonly variables: Readonly<Record<string, string>>;
  /** Text of a script that starts the runtime. */
  readonly wrapper?: string;
}

/** Where the wrapper lies in the package. */
const WRAPPER = "wrapper";

export async function copyFunction(
  functions: TestFunctions,
  from: string,
  to: string,
  { variables, wrapper }: Changes,
): Promise<void> {
  const { Configuration, Code } = await functions.lambda.send(new GetFunctionCommand({ FunctionName: from }));
  const zip = Buffer.from(await (await fetch(Code?.Location ?? "")).arrayBuffer());
  const wrapped = wrapper === undefined ? {} : { AWS_LAMBDA_EXEC_WRAPPER: `/var/task/${WRAPPER}` };
  await functions.lambda.send(
    new CreateFunctionCommand({
      FunctionName: to,
      Role: ROLE,
      Runtime: Configuration?.Runtime,
      Handler: Configuration?.Handler,
      MemorySize: Configuration?.MemorySize,
      Timeout: Configuration?.Timeout,
      SnapStart: { ApplyOn: "PublishedVersions" },
      Environment: { Variables: { ...variables, ...wrapped } },
      Code: { ZipFile: wrapper === undefined ? zip : withWrapper(zip, wrapper) },
    }),
  );
  await waitUntilFunctionActiveV2(
    { client: functions.lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
    { FunctionName: to },
  );
}

const APPEND = `
import sys, zipfile
entry = zipfile.ZipInfo(sys.argv[2])
entry.external_attr = 0o100755 << 16
zipfile.ZipFile(sys.argv[1], "a").writestr(entry, sys.argv[3])
`;

function withWrapper(zip: Uint8Array, text: string): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "thaw-bench-"));
  try {
    const path = join(directory, "code.zip");
    writeFileSync(path, zip);
    execFileSync("python3", ["-c", APPEND, path, WRAPPER, text]);
    return readFileSync(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

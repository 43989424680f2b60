/** What starts a runtime in a base image (runtimes/images) beside what starts it in a sandbox of its own. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { javaArgv } from "./java.ts";
import { nodeStart } from "./node.ts";

const SOURCES = join(import.meta.dirname, "../../../../runtimes/images");
const MEMORY_SIZES = [128, 129, 300, 512, 1769, 3008, 10_240];
let dir: string;
/** Prints its command line, a text a line, and the variables. */
const SHOWS = '#!/bin/bash\nprintf "%s\\n" "$@" --variables--\nenv\n';

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-bootstrap-"));
  writeFileSync(join(dir, "shows"), SHOWS);
  chmodSync(join(dir, "shows"), 0o755);
  writeFileSync(join(dir, "start.sh"), readFileSync(join(SOURCES, "start.sh")));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Started {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a bootstrap with the wrapper script in its way, which shows how it was called. */
function start(name: string, runtime: string, env: Readonly<Record<string, string>>): Started {
  const text = readFileSync(join(SOURCES, name), "utf8")
    .replace("@RUNTIME@", runtime)
    .replace(". /var/runtime/start.sh", `. ${dir}/start.sh`);
  const out = execFileSync("/bin/sh", ["-c", text], {
    env: { PATH: "/usr/bin:/bin", AWS_LAMBDA_EXEC_WRAPPER: join(dir, "shows"), ...env },
    encoding: "utf8",
  });
  const [argv = "", variables = ""] = out.split("--variables--\n");
  const pairs = variables.trimEnd().split("\n");
  return {
    argv: argv.trimEnd().split("\n"),
    env: Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])),
  };
}

describe("the bootstrap of a base image", () => {
  it.for([11, 17, 21, 25])("starts Java %i as a sandbox does", (major, { expect }) => {
    for (const memorySizeMib of MEMORY_SIZES) {
      for (const snapStart of [false, true]) {
        const { argv, env } = start("bootstrap-java.sh", `java${major}`, {
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySizeMib),
          AWS_LAMBDA_INITIALIZATION_TYPE: snapStart ? "snap-start" : "on-demand",
        });
        const [, ...wanted] = javaArgv({ home: "", major, memorySizeMib, snapStart });
        expect(argv).toEqual(["/var/lang/bin/java", ...wanted]);
        expect(env["AWS_EXECUTION_ENV"]).toBe(`AWS_Lambda_java${major}`);
      }
    }
  });

  it.for<Record<string, string>>([
    {},
    { NODE_OPTIONS: "--max_old-space_size=99 --enable-source-maps" },
    { NODE_OPTIONS: "--experimental-require-module" },
    { NODE_PATH: "/mine", NODE_EXTRA_CA_CERTS: "/mine.pem" },
    { NODE_PATH: "" },
  ])("starts Node.js as a sandbox does, with %j", (environment, { expect }) => {
    for (const major of [20, 22, 24]) {
      for (const memorySizeMib of MEMORY_SIZES) {
        const { argv, env } = start("bootstrap-nodejs.sh", `nodejs${major}.x`, {
          ...environment,
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySizeMib),
        });
        const wanted = nodeStart(major);
        expect(argv).toEqual(wanted.argv({ memorySizeMib, snapStart: true, environment }));
        const { NODE_EXTRA_CA_CERTS: authority, ...others } = wanted.envOver(environment);
        expect(env).toMatchObject({ ...environment, ...others, AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${major}.x` });
        // Only a sandbox has the file.
        expect(authority).toBe(environment["NODE_EXTRA_CA_CERTS"] === undefined ? "/etc/thaw-ca.pem" : undefined);
        expect(env["NODE_EXTRA_CA_CERTS"]).toBe(environment["NODE_EXTRA_CA_CERTS"]);
      }
    }
  });

  it("starts Python, whose variables may be the function's own", ({ expect }) => {
    const { argv, env } = start("bootstrap-python.sh", "python3.13", {});
    expect(argv).toEqual(["/usr/bin/python3.13", "-B", "/var/runtime/thaw_runtime.py"]);
    expect(env).toMatchObject({
      AWS_EXECUTION_ENV: "AWS_Lambda_python3.13",
      PYTHONPATH: "/var/runtime",
      LC_CTYPE: "C.UTF-8",
    });
    expect(start("bootstrap-python.sh", "python3.13", { PYTHONPATH: "/mine" }).env["PYTHONPATH"]).toBe("/mine");
  });

  it.for([
    ["/nowhere", 127, "/nowhere: does not exist\n"],
    ["/etc/passwd", 126, "/etc/passwd: is not an executable\n"],
  ] as const)("says what is wrong with the wrapper script %s", ([wrapper, status, stderr], { expect }) => {
    const starting = (): unknown => start("bootstrap-python.sh", "python3.13", { AWS_LAMBDA_EXEC_WRAPPER: wrapper });
    expect(starting).toThrow(expect.objectContaining({ status, stderr }));
  });
});

/** Modules that `require` and `import` find, in the folders of NODE_PATH above all. */
import { describe, expect, it, test } from "vitest";
import { runFunction } from "./testing/runtime-process.ts";

const VENDORED = {
  "vendor/node_modules/both/package.json":
    '{"exports":{".":{"import":"./i.mjs","default":"./d.js"},"./sub/*":"./s/*.mjs"}}',
  "vendor/node_modules/both/i.mjs": "export const name = 'import';",
  "vendor/node_modules/both/d.js": "exports.name = 'require';",
  "vendor/node_modules/both/s/x.mjs": "export const name = 'sub';",
  "vendor/node_modules/old/main.js": "exports.name = 'old';",
  "vendor/node_modules/old/package.json": '{"main":"main"}',
  "vendor/node_modules/@scope/one/index.js": "exports.name = 'scoped';",
  "lib/util.js": "exports.name = 'util';",
};

describe.each([20, 22, 24])("Node.js %i", (major) => {
  async function handlerAnswers(files: Readonly<Record<string, string>>, handler = "index.handler"): Promise<unknown> {
    const { answers, output } = await runFunction(major, {
      files: { ...VENDORED, ...files },
      handler,
      env: { NODE_PATH: "vendor/node_modules:." },
    });
    if (answers[0]?.kind !== "response") throw new Error(`${answers[0]?.body ?? ""}\n${output}`);
    return JSON.parse(answers[0].body) as unknown;
  }

  it.for([
    ["both", "import"],
    ["both/sub/x", "sub"],
    ["old", "old"],
    ["@scope/one", "scoped"],
    ["lib/util.js", "util"],
  ] as const)("import of %s", async ([name, want], { expect: expected }) => {
    const early = `import * as found from "${name}"; export const handler = async () => found.name;`;
    expected(await handlerAnswers({ "index.mjs": early })).toBe(want);
    const late = `exports.handler = async () => (await import("${name}")).name;`;
    expected(await handlerAnswers({ "index.js": late })).toBe(want);
  });

  it.for([
    ["both", "require"],
    ["old", "old"],
    ["lib/util", "util"],
  ] as const)("require of %s", async ([name, want], { expect: expected }) => {
    const source = `const { name } = require("${name}"); exports.handler = async () => name;`;
    expected(await handlerAnswers({ "index.js": source })).toBe(want);
  });

  test("a package beside the function goes before NODE_PATH", async () => {
    const files = {
      "node_modules/both/package.json": '{"type":"module","exports":"./own.js"}',
      "node_modules/both/own.js": "export const name = 'own';",
      "index.mjs": "import { name } from 'both'; export const handler = async () => name;",
    };
    expect(await handlerAnswers(files)).toBe("own");
  });

  test("worker threads look there too", async () => {
    const files = {
      "index.mjs": `import { Worker } from "node:worker_threads";
        export const handler = () => new Promise((ok, no) =>
          new Worker(new URL("./worker.mjs", import.meta.url)).on("message", ok).on("error", no));`,
      "worker.mjs": `import { name } from "both"; import { parentPort } from "node:worker_threads"; parentPort.postMessage(name);`,
    };
    expect(await handlerAnswers(files)).toBe("import");
  });

  it.for([
    ["none", "ERR_MODULE_NOT_FOUND", "Cannot find package 'none' imported from"],
    ["./none.mjs", "ERR_MODULE_NOT_FOUND", "none.mjs' imported from"],
    ["both/none", "ERR_PACKAGE_PATH_NOT_EXPORTED", `Package subpath './none' is not defined by "exports"`],
  ] as const)("import of %s fails as without NODE_PATH", async ([name, code, text], { expect: expected }) => {
    const source = `export const handler = () => import("${name}").catch(({ code, message }) => [code, message]);`;
    expected(await handlerAnswers({ "index.mjs": source })).toEqual([code, expected.stringContaining(text)]);
  });

  test("what is handled as CommonJS or as an ES module", async () => {
    const esm = "import { sep } from 'node:path'; export const handler = async () => sep;";
    expect(await handlerAnswers({ "index.mjs": esm })).toBe("/");
    expect(await handlerAnswers({ "index.js": esm, "package.json": '{"type":"module"}' })).toBe("/");
    expect(await handlerAnswers({ "index.cjs": "exports.handler = async () => 'c';" })).toBe("c");
    expect(await handlerAnswers({ "a/b.js": "exports.c = { d: async () => 'd' };" }, "a/b.c.d")).toBe("d");
    await expect(handlerAnswers({ "index.js": esm })).rejects.toThrow(
      '"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: Cannot use import statement outside a module"',
    );
  });
});

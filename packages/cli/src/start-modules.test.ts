import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Prints what the command line loads before it knows the command: packages, own sources, and parts of Node.js. */
const PROGRAM = `
  import { registerHooks } from "node:module";
  const found = new Set();
  registerHooks({
    load: (url, context, next) => {
      const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1] ?? /\\/packages\\/(.+)/.exec(url)?.[1];
      if (name !== undefined) found.add(name);
      return next(url, context);
    },
  });
  const { connect } = await import(process.argv[1]);
  await import(process.argv[2]);
  connect();
  process.stdout.write([...found, ...process.moduleLoadList].join("\\n"));
`;

/** What only some commands use is loaded where it is used: each of these costs every command 20 to 80 ms. */
const ON_USE: Readonly<Record<string, RegExp>> = {
  "AWS's clients": /^@(?:aws-sdk|smithy)\//,
  "routes of Thaw's own API and the library that reads its answers": /^zod$|^thaw-api\/src\/routes\.ts$/,
  "the client behind fetch: an import of node:http loads it, process.getBuiltinModule does not":
    /^NativeModule internal\/deps\/undici\//,
};

test("a command starts without what only other commands need", () => {
  const paths = ["connection.ts", "main.ts"].map((name) => join(import.meta.dirname, name));
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM, ...paths];
  const loaded = execFileSync(process.execPath, args, { encoding: "utf8" }).split("\n");
  expect(loaded).toContain("commander");
  expect(loaded).toContain("NativeModule https");
  const found = Object.entries(ON_USE).flatMap(([what, form]) =>
    loaded.filter((name) => form.test(name)).map((name) => `${what}: ${name}`),
  );
  expect(found).toEqual([]);
});

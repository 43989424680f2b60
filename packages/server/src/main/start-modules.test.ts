import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Prints the modules that are loaded by the import of others: packages of others by name, own ones by path. */
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
  for (const path of process.argv.slice(1)) await import(path);
  process.stdout.write([...found].join("\\n"));
`;

/**
 * What only some servers use is loaded where it is used: each of these costs a start 10 to 300 ms, and 1 to 30 MB that
 * stay.
 */
const ON_USE: Readonly<Record<string, RegExp>> = {
  "clients of other services": /^@aws-sdk\/(?:client-|credential-)|^@smithy\/(?:node-http-handler|core)$/,
  "libraries of certificates, patterns and tokens": /^(?:node-forge|re2.*|jose)$/,
  "the client of PostgreSQL and the store over it": /^pg(?:-.*)?$|^server\/src\/store\/postgres\/(?!database-url\.ts$)/,
  "libraries of archives and documents": /^(?:yazl|yaml|sax)$/,
  "Thaw's own API and the library that forms its routes":
    /^zod$|^thaw-api\/src\/(?!prefix\.ts$)|^server\/src\/http\/fronts\/thaw\//,
  "models of other services than Lambda": /^aws-api\/src\/generated\/(?!lambda\/)/,
  "operations of other services": /^server\/src\/aws\/[^/]+\//,
  "the engine of stacks and its templates":
    /^(?:stacks|template)\/src\/(?!(?:value|like)\.ts$)|^server\/src\/stacks\/(?!left-work\.ts$)/,
};

function loadedBy(...names: readonly string[]): readonly string[] {
  const paths = names.map((name) => join(import.meta.dirname, name));
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM, ...paths];
  return execFileSync(process.execPath, args, { encoding: "utf8" }).split("\n");
}

test("a start loads no part of the server that few servers need", () => {
  const loaded = loadedBy("serve.ts", "all-in-one.ts");
  expect(loaded).toContain("fastify");
  expect(loaded).toContain("aws-api/src/generated/lambda/shapes.ts");
  const found = Object.entries(ON_USE).flatMap(([what, form]) =>
    loaded.filter((name) => form.test(name)).map((name) => `${what}: ${name}`),
  );
  expect(found).toEqual([]);
});

test("what becomes the launcher loads its own modules, and none of the server's or the helper's", () => {
  const loaded = loadedBy("serve.ts", "launcher.ts");
  expect(loaded).toContain("server/src/main/launcher.ts");
  expect(loaded.filter((name) => !name.includes("/src/"))).toEqual([]);
  expect(loaded.filter((name) => /^aws-api\/|^server\/src\/(?:http\/|main\/helper)/.test(name))).toEqual([]);
});

/** Generators and their kin, one a line: each is found where it is kept, and none of those that ask the system. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scan } from "@thaw/scan/scan";
import { noServer } from "./compile.ts";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-scan-test-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** The rules by which the value of an expression at Init is found, where it is kept. */
async function rulesOf(file: string, code: string): Promise<readonly string[]> {
  const path = join(mkdtempSync(join(scratch, "case-")), file);
  writeFileSync(path, code);
  const { findings } = await scan(path, {}, noServer);
  return findings.map(({ rule }) => rule).toSorted();
}

const python = (expression: string, imports: string): Promise<readonly string[]> =>
  rulesOf("app.py", `${imports}\nKEPT = ${expression}\ndef handler(event, context):\n    return str(KEPT)\n`);
const javascript = (statement: string, imports: string): Promise<readonly string[]> =>
  rulesOf("app.mjs", `${imports}\n${statement}\nexport const handler = async () => kept;\n`);

describe("Python", () => {
  it.for([
    ["random.Random()", "import random", "random-generator"],
    ["numpy.random.default_rng()", "import numpy", "random-generator"],
    ["PCG64()", "from numpy.random import PCG64", "random-generator"],
    ["Generator(Philox())", "from numpy.random import Generator, Philox", "random-generator"],
    ["np.random.default_rng().spawn(2)", "import numpy as np", "random-generator"],
    ["tf.random.Generator.from_non_deterministic_state()", "import tensorflow as tf", "random-generator"],
    ["jax.random.PRNGKey(0)", "import jax", "seed"],
    ["torch.Generator()", "import torch", "random-generator"],
    ["mimesis.Generic()", "import mimesis", "random-generator"],
    ["cuid_wrapper()", "from cuid2 import cuid_wrapper", "random-generator"],
    ["cupy.random.default_rng()", "import cupy", "random-generator"],
    ["randomgen.Xoshiro256()", "import randomgen", "random-generator"],
    ["secrets.SystemRandom().random()", "import secrets", "random-value"],
    ["secrets.token_hex(8)", "import secrets", "random-value"],
    ["shortuuid.ShortUUID().random(8)", "import shortuuid", "random-value"],
    ["uuid_utils.uuid7()", "import uuid_utils", "identifier"],
    ["random.SystemRandom()", "import random", ""],
    ["secrets.SystemRandom()", "import secrets", ""],
    ["secrets.compare_digest", "import secrets", ""],
  ] as const)("%s", async ([expression, imports, rules]) => {
    expect((await python(expression, imports)).join(" ")).toBe(rules);
  });
});

describe("JavaScript", () => {
  const WORKERS = 'import { Worker } from "node:worker_threads";';
  it.for([
    ["const kept = nanoid();", 'import { nanoid } from "nanoid";', "identifier random-generator"],
    ["nanoid(); const kept = 1;", 'import { nanoid } from "nanoid";', "random-generator"],
    [
      "const kept = customAlphabet('ab', 4)();",
      'import { customAlphabet } from "nanoid";',
      "identifier random-generator",
    ],
    ["const kept = nanoid;", 'import { nanoid } from "nanoid";', ""],
    [
      "let kept; randomBytes(8, (error, bytes) => { kept = bytes; });",
      'import { randomBytes } from "crypto";',
      "random-value",
    ],
    [
      "let kept; randomFill(Buffer.alloc(8), (error, bytes) => { kept = bytes; });",
      'import { randomFill } from "crypto";',
      "random-value",
    ],
    ["const kept = init();", 'import { init } from "@paralleldrive/cuid2";', "random-generator"],
    ["const kept = randomLcg();", 'import { randomLcg } from "d3-random";', "random-generator"],
    ["const kept = faker.string.uuid();", 'import { faker } from "@faker-js/faker";', "random-value"],
    ["const kept = new Worker('./w.js', { execArgv: ['--expose-gc'] });", WORKERS, "random-generator"],
    ["const kept = new Worker('./w.js', { execArgv: [...process.execArgv, '--expose-gc'] });", WORKERS, ""],
    ["const kept = new Worker('./w.js');", WORKERS, ""],
    [
      "const kept = fork('./w.js', [], { execArgv: [] });",
      'import { fork } from "node:child_process";',
      "random-generator",
    ],
    ["const kept = fork('./w.js');", 'import { fork } from "node:child_process";', ""],
  ] as const)("%s", async ([statement, imports, rules]) => {
    expect((await javascript(statement, imports)).join(" ")).toBe(rules);
  });
});

describe("a compiled program", () => {
  const scanOf = (content: string): Promise<unknown> => {
    const root = mkdtempSync(join(scratch, "native-"));
    writeFileSync(join(root, "bootstrap"), content);
    return scan(root, {}, noServer);
  };

  it("can't be scanned, and what to do instead is said, with the generators that are in it", async () => {
    await expect(scanOf("\x7fELF…")).rejects.toThrow(
      /is a compiled program, which a scan can't read\. Publish it, .*thaw check/,
    );
    await expect(scanOf("\x7fELF… math/rand.(*Rand).Int63 math/rand/v2.IntN")).rejects.toThrow(
      /It has Go's math\/rand, Go's math\/rand\/v2: what draws from there repeats/,
    );
    await expect(scanOf("\x7fELF /root/.cargo/registry/src/x/rand_chacha-0.3.1/src/guts.rs")).rejects.toThrow(
      "Rust's rand",
    );
  });

  it("a script is none", async () => {
    await expect(scanOf("#!/bin/sh\n")).rejects.toThrow("has no class files, JavaScript, TypeScript or Python");
  });
});

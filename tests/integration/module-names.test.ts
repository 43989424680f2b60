/**
 * A function's modules, libraries, classes and variables may have names that the runtime's own start reads: it starts,
 * and its clones are unique.
 */
import { describe, expect, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

/**
 * The client imports them at its start, around a snapshot, or in a thread; the renewal of generators needs the last
 * ones.
 */
const NAMES = ["json", "logging", "queue", "http", "base64", "traceback", "types", "tempfile", "uuid", "secrets"];
const OWN = "TOKEN = 'mine'\n";
const HANDLER = `
import random
def handler(event, context):
    import secrets
    return [secrets.TOKEN, random.random()]
`;
const SHADOWS: Files = {
  "index.py": HANDLER,
  ...Object.fromEntries(NAMES.map((name) => [`${name}.py`, OWN])),
  "awslambdaric/__init__.py": OWN,
  "simplejson/__init__.py": OWN,
  "numpy/__init__.py": OWN,
  "numpy/random.py": OWN,
};

describe.each([
  ["beside the handler", {}],
  ["found by PYTHONPATH too", { PYTHONPATH: "/var/task", PYTHONSAFEPATH: "1" }],
])("Python modules with the names of standard ones, %s", (_, Variables) => {
  test("leave the runtime alone, and the function has its own", async () => {
    const name = await functions.createSnapStart(SHADOWS, { Runtime: "python3.13", Environment: { Variables } });
    expect((await functions.invoke(name)).payload).toMatchObject(["mine", expect.any(Number)]);
    const version = await functions.publish(name);
    const draws = new Set<number>();
    for (let clone = 0; clone < 3; clone++) {
      const answer = await functions.invoke(name, {}, version);
      expect(answer.log).toContain("Restore Duration");
      const [token, drawn] = answer.payload as [string, number];
      expect(token).toBe("mine");
      draws.add(drawn);
      await functions.stopEnvironments(name);
    }
    expect(draws.size).toBe(3);
  });
});

test("a function's own random.py is its own, in a clone too", async () => {
  const files = {
    "index.py": "import random\ndef handler(event, context):\n    return random.TOKEN\n",
    "random.py": OWN,
  };
  const name = await functions.createSnapStart(files, { Runtime: "python3.13" });
  const version = await functions.publish(name);
  expect((await functions.invoke(name, {}, version)).payload).toBe("mine");
});

test("the search path is AWS's: the function, layers, the runtime, then Python's own", async () => {
  const files = { "index.py": "import sys\nPATH = list(sys.path)\ndef handler(event, context):\n    return PATH\n" };
  const name = await functions.create(files, { Runtime: "python3.13" });
  const path = (await functions.invoke(name)).payload as string[];
  expect(path.slice(0, 4)).toEqual([
    "/var/task",
    "/opt/python/lib/python3.13/site-packages",
    "/opt/python",
    "/var/runtime",
  ]);
  expect(path.slice(4).every((each) => each.startsWith("/usr/"))).toBe(true);
});

/** Libraries that the languages' own programs are linked against. On AWS those of the system are found first. */
const LIBRARIES: Files = Object.fromEntries(
  ["libz.so.1", "libstdc++.so.6", "libc.so.6", "libexpat.so.1", "libssl.so.3", "libcrypto.so.3"].map((name) => [
    `lib/${name}`,
    "not a library\n",
  ]),
);

/** Python reads them before our start does anything, or in every import. Each of them is harmless on AWS, too. */
const PYTHON_VARIABLES = {
  PYTHONWARNINGS: "error",
  PYTHONOPTIMIZE: "2",
  PYTHONDEVMODE: "1",
  PYTHONINSPECT: "1",
  PYTHONSTARTUP: "/var/task/exits.py",
  PYTHONHOME: "/usr",
  PYTHONUSERBASE: "/var/task/base",
  PYTHONCASEOK: "1",
  PYTHONUTF8: "0",
  LC_ALL: "C",
  PATH: "/nowhere",
  LD_PRELOAD: "/nowhere/none.so",
  OPENSSL_CONF: "/nowhere",
};

test("Python starts, and is unique, whatever its variables and the function's libraries are", async () => {
  const files = {
    ...LIBRARIES,
    "index.py": HANDLER.replace("secrets.TOKEN", "secrets.token_hex(8)"),
    "exits.py": "raise SystemExit(9)\n",
    // What a person has installed for themselves comes after the standard library.
    "base/lib/python3.13/site-packages/json.py": "raise ImportError('the wrong one')\n",
  };
  const Environment = { Variables: PYTHON_VARIABLES };
  const name = await functions.createSnapStart(files, { Runtime: "python3.13", Environment });
  const drawn = [(await functions.invoke(name)).payload];
  const version = await functions.publish(name);
  for (let clone = 0; clone < 2; clone++) {
    drawn.push((await functions.invoke(name, {}, version)).payload);
    await functions.stopEnvironments(name);
  }
  for (const answer of drawn) expect(answer).toMatchObject([expect.any(String), expect.any(Number)]);
  expect(new Set(drawn.flat()).size).toBe(6);
});

test("what Python puts behind its own folders stays there", async () => {
  const files = {
    "index.py": "import sys\nPATH = list(sys.path)\ndef handler(event, context):\n    return PATH\n",
    "base/lib/python3.13/site-packages/one.py": "",
  };
  const Environment = { Variables: { PYTHONUSERBASE: "/var/task/base" } };
  const path = (await functions.invoke(await functions.create(files, { Runtime: "python3.13", Environment })))
    .payload as string[];
  expect(path.indexOf("/var/task/base/lib/python3.13/site-packages")).toBeGreaterThan(
    path.indexOf("/usr/lib/python3.13"),
  );
});

test.each([
  ["JDK_JAVA_OPTIONS", { JDK_JAVA_OPTIONS: "-Dmine=1 -cp /nowhere" }],
  ["JAVA_TOOL_OPTIONS", { JAVA_TOOL_OPTIONS: "-Dorg.crac.Core.Compat=none -Djava.class.path=/var/task" }],
  ["CLASSPATH", { CLASSPATH: "/var/task", JAVA_HOME: "/nowhere", PATH: "/nowhere" }],
])("Java starts whatever %s and the function's libraries are", async (_, Variables) => {
  const files = { ...LIBRARIES, ...javaPackage("plain/Plain.java", /^$/) };
  const options = { Runtime: "java17", Handler: "Plain::handleRequest", MemorySize: 512 } as const;
  const name = await functions.createSnapStart(files, { ...options, Environment: { Variables } });
  const version = await functions.publish(name);
  for (const qualifier of ["$LATEST", version])
    expect(await functions.invoke(name, { text: "a" }, qualifier)).toMatchObject({ functionError: undefined });
});

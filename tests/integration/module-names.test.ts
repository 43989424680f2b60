/**
 * A function's modules may have the names of modules that the runtime's own start needs: it starts, and its clones are
 * unique.
 */
import { describe, expect, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
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

/** The command itself: exit status, output for people and programs, packages, templates, suppressions, hooks. */
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import type { ScanResult } from "@thaw/scan/result";
import { scan } from "@thaw/scan/scan";
import { type Ran, runThaw } from "../support/cli.ts";
import { zipOf } from "../support/functions.ts";
import { compileFixtures, FIXTURES, noServer } from "./compile.ts";

const HANDLER = "exports.handler = async () => [id, at];\n";
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-scan-test-"));
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

function project(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(scratch, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  return root;
}

const thaw = (...args: string[]): Promise<Ran> => runThaw(["scan", ...args], {}, scratch);

async function rulesOf(root: string): Promise<string[]> {
  return (await scan(root, {}, noServer)).findings
    .filter((finding) => finding.suppression === null)
    .map((finding) => `${finding.rule}:${finding.line}`);
}

it("tells by its exit status: findings, none, not possible", async ({ expect }) => {
  const broken = await thaw(join(FIXTURES, "python/identifier/broken"));
  expect(broken.code).toBe(1);
  expect(broken.stdout).toContain(
    "Tracer.instance keeps uuid.uuid4(): every clone of the snapshot has the same identifier",
  );
  expect(broken.stdout).toContain("1 finding (1 error)");
  expect(await thaw(join(FIXTURES, "python/identifier/fixed"))).toMatchObject({
    code: 0,
    stdout: "Nothing found in 1 file reached from app.handler.\n",
  });
  expect(await thaw(join(FIXTURES, "python/temp-file/broken"), "--fail-on", "warning")).toMatchObject({ code: 0 });
  expect(await thaw("not-there/at-all")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is not there") as string,
  });
  expect((await thaw()).code).toBe(2);
  expect((await thaw("a", "--fail-on", "nonsense")).code).toBe(2);
  const mangum = project("mangum", {
    "api.py":
      "import time\nfrom mangum import Mangum\nAT = time.time()\ndef app(scope): return AT\nhandler = Mangum(app)\n",
  });
  expect((await thaw(mangum)).stdout).toContain("AT keeps time.time()");
  const none = project("none", { "a.js": "const a = 1;\n" });
  expect(await thaw(none)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no handler found; name it with --handler") as string,
  });
  expect(await thaw(none, "--handler", "b.handler")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("the handler b.handler is not in") as string,
  });
});

it("reads comments with a reason, and says why others do not count", async ({ expect }) => {
  const root = project("comments", {
    "index.js": `const { randomUUID } = require("node:crypto");
// thaw-ignore identifier one name for the whole fleet is wanted
const id = randomUUID();
const at = Date.now(); // thaw-ignore timestamp
const more = randomUUID(); // thaw-ignore nonsense because
const other = randomUUID(); // thaw-ignore timestamp the wrong rule
exports.handler = async () => [id, at, more, other];
`,
  });
  const { code, stdout, stderr } = await thaw(root, "--json");
  const result = JSON.parse(stdout) as ScanResult;
  expect(code).toBe(1);
  expect(result.findings.map(({ line, suppression }) => [line, suppression])).toEqual([
    [3, { kind: "inSource", reason: "one name for the whole fleet is wanted" }],
    [4, null],
    [5, null],
    [6, null],
  ]);
  expect(stderr).toContain("thaw-ignore timestamp has no reason, so it does not count");
  expect(stderr).toContain("thaw-ignore 'nonsense' is no rule");
  const python = project("comments-python", {
    "app.py":
      "import time\nAT = time.time()  # thaw-ignore timestamp shown on the status page only\ndef handler(event, context): return AT\n",
  });
  expect((await thaw(python)).stdout).toBe("Nothing found in 1 file reached from app.handler. 1 ignored.\n");
});

it("reads comments in Java sources, and a file where there are only classes", async ({ expect }) => {
  const source = join(FIXTURES, "java/random-generator/broken");
  const classes = compileFixtures(join(scratch, "java"), [source]).get(source) as string;
  expect(await rulesOf(classes)).toHaveLength(1);
  writeFileSync(
    join(classes, ".thaw-ignore"),
    "# dice\nrandom-generator Handler.random\ntimestamp fixture/* no such thing\n",
  );
  expect(await rulesOf(classes)).toHaveLength(1);
  writeFileSync(join(classes, ".thaw-ignore"), "random-generator Handler.random dice need no secrets\n");
  expect(await rulesOf(classes)).toEqual([]);
  const maven = join(scratch, "maven");
  cpSync(classes, join(maven, "target/classes"), { recursive: true, filter: (path) => !path.endsWith(".thaw-ignore") });
  const text = readFileSync(join(source, "fixture/Handler.java"), "utf8");
  const at = join(maven, "src/main/java/fixture/Handler.java");
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, text);
  expect((await scan(maven, {}, noServer)).findings[0]?.file).toBe(at);
  writeFileSync(
    at,
    text.replace("new Random();", "new Random(); // thaw-ignore random-generator dice need no secrets"),
  );
  expect(await rulesOf(maven)).toEqual([]);
});

it("writes SARIF that its schema accepts", async ({ expect }) => {
  const { stdout } = await thaw(join(FIXTURES, "javascript/identifier/broken"), "--sarif");
  const schema = JSON.parse(
    readFileSync(
      createRequire(import.meta.url).resolve("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"),
      "utf8",
    ),
  ) as Record<string, unknown>;
  // Draft 4's own names; the keywords that it uses mean the same today.
  delete schema["$schema"];
  delete schema["id"];
  const ajv = new Ajv.Ajv({ strict: false, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  const log = JSON.parse(stdout) as {
    runs: Array<{ results: Array<{ ruleId: string; level: string; relatedLocations?: unknown }> }>;
  };
  validate(log);
  expect(validate.errors).toBeNull();
  expect(log.runs[0]?.results[0]).toMatchObject({ ruleId: "identifier", level: "error" });
  expect(validate({ ...log, runs: [{ ...log.runs[0], results: [{ level: "fatal" }] }] })).toBe(false);
});

it("takes handlers from templates, code in them included, and from packages", async ({ expect }) => {
  const index = `const id = require("node:crypto").randomUUID();\nconst at = 1;\n${HANDLER}`;
  const root = project("template", {
    "one/index.js": index,
    "one/other.js": `const id = Date.now();\nconst at = 1;\n${HANDLER}`,
    "template.yml": `Resources:
  One: { Type: AWS::Serverless::Function, Properties: { CodeUri: one, Handler: index.handler, Runtime: nodejs24.x } }
  Two:
    Type: AWS::Serverless::Function
    Properties: { InlineCode: "import os\\nPID = os.getpid()\\ndef handler(event, context): return PID\\n", Handler: index.handler, Runtime: python3.13 }
`,
  });
  const { findings } = await scan(root, {}, noServer);
  expect(findings.map((finding) => `${finding.function} ${finding.rule}`).sort()).toEqual([
    "One identifier",
    "Two host-identity",
  ]);
  const zip = join(scratch, "one.zip");
  writeFileSync(
    zip,
    await zipOf({
      "src/index.js": index,
      "src/deep/app.py": "import os\nPID = os.getpid()\ndef run(event, context): return PID\n",
    }),
  );
  expect((await scan(zip, {}, noServer)).findings.map((finding) => `${finding.file} ${finding.rule}`)).toEqual([
    "src/deep/app.py host-identity",
    "src/index.js identifier",
  ]);
  expect((await scan(zip, { handler: "src/index.handler" }, noServer)).findings.map((finding) => finding.rule)).toEqual(
    ["identifier"],
  );
  expect((await scan(zip, { handler: "src.deep.app.run" }, noServer)).findings.map((finding) => finding.rule)).toEqual([
    "host-identity",
  ]);
});

it("finds what priming leaves behind, and counts what an after-restore hook sets again as cured", async ({
  expect,
}) => {
  const primed = `import uuid
from snapshot_restore_py import register_before_snapshot
token = None
def handler(event, context):
    global token
    if token is None:
        token = uuid.uuid4()
    return token
`;
  expect(await rulesOf(project("unprimed", { "app.py": primed }))).toEqual([]);
  expect(
    await rulesOf(project("primed", { "app.py": `${primed}register_before_snapshot(lambda: handler({}, None))\n` })),
  ).toEqual(["identifier:7"]);
  const hooked = `let id = crypto.randomUUID();\nconst at = 1;\n${HANDLER}`;
  expect(await rulesOf(project("hooked", { "index.js": hooked }))).toEqual(["identifier:1"]);
  expect(
    await rulesOf(
      project("cured", {
        "index.js": `${hooked}awslambda.snapStart.registerAfterRestore(() => { id = crypto.randomUUID(); });\n`,
      }),
    ),
  ).toEqual([]);
});

it("follows modules that are a function or a class, defaults of options, and leaves JSON alone", async ({ expect }) => {
  const root = project("functions", {
    "index.js": `const makeId = require("./make-id");
const Tracer = require("./tracer");
const pad = require("./pad");
const settings = require("./settings.json");
const id = makeId();
const at = [new Tracer(), pad(process.pid, 2), settings];
${HANDLER}`,
    "make-id.js": `const rng = require("./rng");
module.exports = function makeId(options) { options = options || {}; return (options.rng || rng)(); };
`,
    "rng.js": "module.exports = () => crypto.randomUUID();\n",
    "tracer.js": "module.exports = class Tracer { constructor() { this.startedAt = Date.now(); } };\n",
    "pad.js": "module.exports = function pad(text, length) { return String(text).padStart(length); };\n",
    "settings.json": '{ "region": "eu" }',
  });
  const compiled = project("compiled", {
    "index.js": `const { make } = require("./index-of-makers");\nconst { stamp } = require("./star");\nconst id = make();\nconst at = stamp();\n${HANDLER}`,
    "index-of-makers.js": `Object.defineProperty(exports, "__esModule", { value: true });
Object.defineProperty(exports, "make", { enumerable: true, get: function () { return _make.default; } });
var _make = _interopRequireDefault(require("./make"));
function _interopRequireDefault(obj) { return obj && obj.__esModule ? obj : { default: obj }; }\n`,
    "make.js": "exports.default = () => crypto.randomUUID();\n",
    "star.js": `var __exportStar = (this && this.__exportStar) || function (m, exports) { for (var p in m) exports[p] = m[p]; };
__exportStar(require("./stamp"), exports);\n`,
    "stamp.js": "exports.stamp = () => Date.now();\n",
  });
  expect((await rulesOf(compiled)).sort()).toEqual(["identifier:3", "timestamp:4"]);
  const { findings, problems } = await scan(root, {}, noServer);
  expect(problems).toEqual([]);
  expect(findings.map((finding) => `${finding.rule} ${finding.kept}`).sort()).toEqual([
    "host-identity at",
    "identifier id",
    "timestamp Tracer.startedAt",
  ]);
});

it("leaves installed packages out unless asked", async ({ expect }) => {
  const root = project("packages", {
    "index.js": `const { id } = require("ids");\nconst at = 1;\n${HANDLER}`,
    "node_modules/ids/index.js": "exports.id = crypto.randomUUID();\n",
  });
  expect(await rulesOf(root)).toEqual([]);
  expect((await scan(root, { dependencies: true }, noServer)).findings.map((finding) => finding.rule)).toEqual([
    "identifier",
  ]);
});

it("says which layers of a function it does not read", async ({ expect }) => {
  const root = project("layers", {
    "template.yaml": `Transform: AWS::Serverless-2016-10-31
Resources:
  Shared: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: shared } }
  F: { Type: AWS::Serverless::Function, Properties: { CodeUri: app, Handler: index.handler, Runtime: nodejs24.x, Layers: [!Ref Shared] } }
`,
    "app/index.js": "exports.handler = async () => 1;\n",
  });
  expect((await scan(root, {}, noServer)).problems).toEqual(["F: the code of its layers is not read (Shared)"]);
});

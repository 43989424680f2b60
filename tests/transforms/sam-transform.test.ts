/** AWS's own library as it is installed on this host, in the process that the server gives it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { ROOT, thawHomeOf } from "@thaw/installation";
import { systemClock } from "@thaw/server/testing/base";
import { createSamTransform, type TransformOutcome } from "@thaw/server/testing/transforms";
import { parseSections } from "@thaw/template/template";
import type { TemplateMap } from "@thaw/template/value";
import { afterAll, expect, test } from "vitest";

const thawHome = thawHomeOf(process.env);
const transform = createSamTransform({ thawHome, clock: systemClock });
afterAll(() => transform.close());

async function transformed(
  text: string,
  { parameters = {}, region = "eu-west-1" }: { parameters?: Record<string, string>; region?: string } = {},
): Promise<TransformOutcome> {
  return transform.transform({ template: parseSections(text, "template").sections, parameters, region });
}

/** Properties of a resource that came out; fails where it did not. */
function propertiesOf(outcome: TransformOutcome, logicalId: string): Record<string, unknown> {
  const resource = resourcesOf(outcome)[logicalId];
  if (resource === undefined) throw new Error(`no ${logicalId} in ${JSON.stringify(outcome)}`);
  return resource.Properties;
}

interface MadeResource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}

function resourcesOf(outcome: TransformOutcome): Record<string, MadeResource> {
  return templateOf(outcome)["Resources"] as unknown as Record<string, MadeResource>;
}

function templateOf(outcome: TransformOutcome): TemplateMap {
  if (outcome.kind !== "transformed") throw new Error(outcome.message);
  return outcome.template;
}

const PETS = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev }
Globals:
  Function: { Runtime: nodejs24.x, Timeout: 7 }
Resources:
  Pets:
    Type: AWS::Serverless::Function
    Metadata: { Thaw: { Prime: [{}] } }
    Properties:
      Handler: index.handler
      CodeUri: s3://bucket/key
      AutoPublishAlias: live
      SnapStart: { ApplyOn: PublishedVersions }
      Environment: { Variables: { STAGE: !Ref Stage, REGION: !Ref AWS::Region } }
      Policies: [AWSLambdaExecute, !Sub 'arn:\${AWS::Partition}:iam::aws:policy/X', { SQSPollerPolicy: { QueueName: q } }]
      Events:
        All: { Type: HttpApi, Properties: { Path: /pets, Method: get } }
Outputs:
  Version: { Value: !Ref Pets.Version }
`;

test("a template with an HTTP API becomes Lambda's and API Gateway's own resources", async () => {
  const outcome = await transformed(PETS, { parameters: { Stage: "prod" } });
  expect(propertiesOf(outcome, "Pets")).toMatchObject({
    Code: { S3Bucket: "bucket", S3Key: "key" },
    Runtime: "nodejs24.x",
    Timeout: 7,
    SnapStart: { ApplyOn: "PublishedVersions" },
  });
  expect(propertiesOf(outcome, "PetsRole")["ManagedPolicyArns"]).toEqual([
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/AWSLambdaExecute",
    { "Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/X" },
  ]);
  expect(propertiesOf(outcome, "ServerlessHttpApi")["Body"]).toMatchObject({ paths: { "/pets": {} } });
  const resources = resourcesOf(outcome);
  expect(resources["Pets"]).toMatchObject({ Metadata: { Thaw: { Prime: [{}] } } });
  const types = Object.values(resources).map(({ Type }) => Type);
  expect(types.sort()).toEqual([
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
  ]);
  expect(templateOf(outcome)["Outputs"]).toEqual({
    Version: { Value: { Ref: expect.stringMatching(/^PetsVersion[0-9a-f]{10}$/) } },
  });
});

test("the same template gives the same ids, and other code another version", async () => {
  const [first, again, other] = await Promise.all(
    [PETS, PETS, PETS.replace("bucket/key", "bucket/other")].map((text) => transformed(text)),
  );
  const versionOf = (outcome: TransformOutcome | undefined): unknown =>
    outcome === undefined ? null : templateOf(outcome)["Outputs"];
  expect(again).toEqual(first);
  expect(versionOf(other)).not.toEqual(versionOf(first));
});

test("each template is read for its own Region", async () => {
  const chinese = await transformed(PETS, { region: "cn-north-1" });
  expect(JSON.stringify(templateOf(chinese))).toContain("arn:aws-cn:iam::aws:policy/service-role");
  expect(JSON.stringify(await transformed(PETS))).not.toContain("arn:aws-cn");
});

test("all that is wrong is told in CloudFormation's words", async () => {
  const outcome = await transformed(`
Transform: AWS::Serverless-2016-10-31
Resources:
  First: { Type: AWS::Serverless::Function, Properties: { Handlr: a.b } }
  Second: { Type: AWS::Serverless::Function, Properties: { Handler: a.b, Runtime: nodejs24.x } }
`);
  expect(outcome).toEqual({
    kind: "refused",
    message:
      "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. " +
      "Number of errors found: 2. Resource with id [First] is invalid. " +
      "property Handlr not defined for resource of type AWS::Serverless::Function " +
      "Resource with id [Second] is invalid. Only one of 'InlineCode' or 'CodeUri' can be set.",
  });
});

test("an application of the repository is refused: it is nowhere asked for", async () => {
  const outcome = await transformed(`
Transform: AWS::Serverless-2016-10-31
Resources:
  App:
    Type: AWS::Serverless::Application
    Properties:
      Location: { ApplicationId: 'arn:aws:serverlessrepo:us-east-1:123456789012:applications/x', SemanticVersion: 1.0.0 }
`);
  expect(outcome).toEqual({
    kind: "refused",
    message: expect.stringMatching(/Serverless Application Repository is not available in this region/),
  });
});

test("what the library does not expect is an internal failure of that template", async () => {
  expect(await transformed(PETS, { region: 5 as unknown as string })).toEqual({
    kind: "refused",
    message:
      "Transform AWS::Serverless-2016-10-31 failed with: Internal transform failure. " +
      "(AttributeError: 'int' object has no attribute 'lower')",
  });
  expect((await transformed(PETS)).kind).toBe("transformed");
});

/** Runs a program with the installed Python beside the parts of the process; gives what it prints. */
function python(program: string): string {
  const home = join(thawHome, "sam-transform/python");
  const loader = [join(home, "bin/ld-linux-x86-64.so.2"), "--library-path", join(home, "lib/x86_64-linux-gnu")];
  const argv = [...loader, join(home, "bin/python3.13"), "-S", "-B", "-c", program];
  const env = { PYTHONHOME: home, PYTHONPATH: join(ROOT, "runtimes/sam-transform") };
  return execFileSync(argv[0] as string, argv.slice(1), { env, encoding: "utf8" });
}

test("the process can open nothing, reach nobody and start nothing", () => {
  const printed = python(`
import contain, ctypes, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
contain.forbid_system_calls()
# Numbers of x86-64: io_uring_setup opens sockets and files, too; userfaultfd, ptrace and the rest reach others.
NUMBERS = {"io_uring_setup": 425, "userfaultfd": 323, "ptrace": 101, "process_vm_writev": 311, "prlimit64": 302,
           "clone": 56, "clone3": 435, "execve": 59, "prctl": 157, "unlink": 87, "memfd_create": 319}
tries = {
  "socket": lambda: socket.socket(socket.AF_INET),
  "unix": lambda: socket.socket(socket.AF_UNIX),
  "open": lambda: open("/etc/passwd"),
  "list": lambda: os.listdir("/"),
  "kill": lambda: os.kill(1, 0),
}
for name, attempt in tries.items():
  try:
    attempt()
    print(name, "worked")
  except PermissionError:
    print(name, "EPERM")
for name, number in NUMBERS.items():
  print(name, "EPERM" if libc.syscall(number, 0, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() == 1 else "worked")
`);
  const lines = printed.trim().split("\n");
  expect(lines).toHaveLength(16);
  expect(lines.filter((line) => !line.endsWith(" EPERM"))).toEqual([]);
});

test("the process has a limit of memory", () => {
  expect(
    python(`
import contain
contain.limit_resources(256 << 20)
try:
  bytearray(300 << 20)
  print("worked")
except MemoryError:
  print("MemoryError")
`),
  ).toBe("MemoryError\n");
});

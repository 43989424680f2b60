/** Sources of settings, and the sentences for those that can't be read. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { DEFAULT_CONTROL_LIMITS } from "../../control/limits.ts";
import { DEFAULT_WORKER_LIMITS } from "../../worker/worker-services.ts";
import { parseServeOptions } from "./serve-options.ts";
import { readSettings } from "./settings.ts";
import type { OptionDeclaration } from "./declaration.ts";
import { OPTIONS } from "./table.ts";
import { SERVE_USAGE } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

const ARN = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0";
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "thaw-options-"));
});

afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(text: string): string {
  const path = join(directory, "thaw.yaml");
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

/** Message of the UsageError. */
function refusal(argv: readonly string[], env: Record<string, string> = {}): string {
  try {
    parseServeOptions(argv, env, true);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "accepted";
}

describe("precedence", () => {
  const env = { THAW_POOL: "7" };

  it("takes the flag before the variable, the variable before the file, the file before the default", ({ expect }) => {
    const file = fileOf("pool: 5\n");
    const poolOf = (argv: readonly string[], variables: Record<string, string>): number =>
      parseServeOptions(argv, variables, true).poolSize;
    expect(poolOf(["--pool", "9", "--config", file], env)).toBe(9);
    expect(poolOf(["--config", file], env)).toBe(7);
    expect(poolOf(["--config", file], {})).toBe(5);
    expect(poolOf([], { THAW_CONFIG: file })).toBe(5);
    expect(poolOf([], {})).toBe(3);
  });

  it("takes the file before a variable of AWS's tools", ({ expect }) => {
    const file = fileOf("snapshot-store: s3://bucket/a/b//\ns3-endpoint: http://one:1\n");
    const aws = { AWS_ENDPOINT_URL: "http://two:2", AWS_ENDPOINT_URL_S3: "http://three:3" };
    const { snapshotStore } = parseServeOptions(["--config", file], aws, true);
    expect(snapshotStore).toMatchObject({ endpoint: "http://one:1", prefix: "a/b/", pathStyle: true });
    expect(parseServeOptions(["--snapshot-store", "s3://bucket"], aws, true).snapshotStore).toMatchObject({
      endpoint: "http://three:3",
      prefix: "",
    });
  });

  it("hands the file's settings on as variables, for a process that may not read the file", ({ expect }) => {
    const file = fileOf(`pool: 5\naccount-id: 000000000012\nfile-system:\n  - ${ARN}=/srv/a\n`);
    const settings = readSettings(["--config", file, "--memory=eager"], { ...env, THAW_CONFIG: "/none" });
    expect(settings.argv).toEqual(["--memory=eager"]);
    expect(settings.env).toEqual({
      THAW_POOL: "7",
      THAW_ACCOUNT_ID: "000000000012",
      THAW_FILE_SYSTEMS: `${ARN}=/srv/a`,
    });
    expect(readSettings(settings.argv, settings.env).values).toEqual(settings.values);
  });
});

describe("refusals", () => {
  it.for([
    [["--data", ""], "--data is empty: give a value, or leave it out"],
    [["--network-deny="], "--network-deny is empty: give a value, or leave it out"],
    [["--pool", "99"], "--pool 99: expected a whole number from 0 to 64"],
    [["--listen", "9000"], "--listen 9000: expected HOST:PORT"],
    [["--engine", "qemu"], "--engine qemu: expected criu or process"],
    [
      ["--engine", "gvisor"],
      "--engine gvisor: no server of this version can run functions in it yet; expected criu or process",
    ],
    [["--snapshot-idle", "1w"], "--snapshot-idle 1w: expected a number with s, m, h or d (14d), or never"],
    [["--kms", "vault"], "--kms vault: expected aws or the URL of a service with its API"],
    [["--file-system", "a=b"], "--file-system a=b: expected the ARN of an access point, =, and a directory"],
    [["--s3-path-style", "yes"], "--s3-path-style yes: expected true or false"],
    [
      ["--chunk-cache-mib", "1"],
      "--chunk-cache-mib needs --snapshot-store: without one, what is on this host is all there is",
    ],
    [
      ["--snapshot-store", "file://host/x"],
      "--snapshot-store file://host/x: expected s3://BUCKET, s3://BUCKET/PREFIX or file:///DIRECTORY",
    ],
  ] as const)("%s", ([argv, message], { expect }) => {
    expect(refusal(argv)).toBe(message);
  });

  it("of an empty variable that names a directory, which would be the current one", ({ expect }) => {
    expect(refusal([], { THAW_DATA: "" })).toBe("--data is empty: name a directory or a file, or leave it out");
  });

  it("names halves of credentials, and a variable", ({ expect }) => {
    expect(refusal([], { THAW_ACCESS_KEY_ID: "AKIA" })).toMatch(/belong together; only one is set$/);
    expect(refusal(["--snapshot-store", "s3://bucket"], { THAW_S3_ACCESS_KEY_ID: "AKIA" })).toMatch(/belong together/);
    expect(refusal([], { THAW_ACCOUNT_ID: "1" })).toBe("THAW_ACCOUNT_ID 1: expected 12 digits");
  });

  it.for([
    ["pool: 5\npol: 3\n", ":2: pol is no setting; did you mean pool?"],
    ["zebra-crossing: 3\n", ":1: zebra-crossing is no setting"],
    ["# limits\n\npool: many\n", ":3: pool many: expected a whole number from 0 to 64"],
    ["pool:\n", ":1: pool: expected a value"],
    ["pool: [1, 2]\n", ":1: pool: expected a value"],
    ["pool: 1\npool: 2\n", ":2: Map keys must be unique"],
    ["data: state\n", ":1: data state: expected an absolute path"],
    ["- pool\n", ": expected lines of the form KEY: VALUE"],
  ] as const)("of the file %j", ([text, message], { expect }) => {
    const path = fileOf(text);
    expect(refusal(["--config", path])).toBe(`${path}${message}`);
  });

  it("of a secret that every user can read", ({ expect }) => {
    const path = fileOf("access-key-id: AKIA\nsecret-access-key: s\n");
    expect(parseServeOptions(["--config", path], {}, true).credentials).toEqual({
      accessKeyId: "AKIA",
      secretAccessKey: "s",
    });
    chmodSync(path, 0o644);
    expect(refusal(["--config", path])).toContain(
      ":2: secret-access-key is a secret, and every user can read this file",
    );
  });

  it("of a file that is not there", ({ expect }) => {
    expect(refusal(["--config", join(directory, "none")])).toMatch(/^--config .*none can't be read: ENOENT/);
  });
});

describe("the password of a database", () => {
  const DATABASE = "postgres://u:secret@localhost/d";
  const refusal = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): string => {
    try {
      parseServeOptions(argv, env, true);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    return "none";
  };

  it("is taken from the variables and the file, and from nowhere that others read", ({ expect }) => {
    const password = (argv: readonly string[], env: Readonly<Record<string, string>>): unknown =>
      parseServeOptions(argv, env, true).database?.password;
    expect(password([], { THAW_DATABASE: DATABASE })).toBe("secret");
    const bare = ["--database", "postgres://u@localhost/d"];
    expect(password(bare, { THAW_DATABASE_PASSWORD: "variable" })).toBe("variable");
    expect(password(bare, {})).toBeNull();
    const file = join(directory, "password");
    writeFileSync(file, " file \n");
    expect(password([...bare, "--database-password-file", file], {})).toBe(" file ");
    for (const given of [["--database", DATABASE], [`--database=${DATABASE}`]]) {
      expect(refusal(given)).toMatch(/command line.*THAW_DATABASE/);
      expect(refusal(given)).not.toContain("secret");
    }
    const path = fileOf(`database: ${DATABASE}\n`);
    expect(password(["--config", path], {})).toBe("secret");
    chmodSync(path, 0o644);
    expect(refusal(["--config", path])).toMatch(/every user can read this file/);
  });

  it("is given once, and only with a database", ({ expect }) => {
    expect(refusal(["--database-password-file", "/none"])).toMatch(/needs --database/);
    const bare = ["--database", "postgres://u@localhost/d"];
    expect(refusal([...bare, "--database-password-file", "/none"])).toMatch(/^--database-password-file .*ENOENT/);
    const both = { THAW_DATABASE_PASSWORD: "p" };
    expect(refusal([...bare, "--database-password-file", "/none"], both)).toMatch(/both set/);
    expect(refusal([], { ...both, THAW_DATABASE: DATABASE })).toMatch(/leave one of them out/);
    expect(refusal([], { THAW_DATABASE: "postgres://u:secret@elsewhere/d" })).toMatch(/^--database: .*sslmode/);
  });
});

it.for([
  ["--help", /^Usage: thaw serve \[options\]\n/],
  ["--version", /^\d+\.\d+\.\d+\n$/],
] as const)("answers %s", ([flag, text], { expect }) => {
  const program = join(import.meta.dirname, "../serve.ts");
  const { status, stdout } = spawnSync(process.execPath, [program, flag], { encoding: "utf8" });
  expect(status).toBe(0);
  expect(stdout).toMatch(text);
});

it("has examples in the help, of options that are there", ({ expect }) => {
  const examples = SERVE_USAGE.split("\nExamples:\n")[1]?.split("\n") ?? [];
  expect(examples.length).toBeGreaterThan(2);
  const names = new Set(["config", ...Object.values<OptionDeclaration<unknown>>(OPTIONS).map(({ name }) => name)]);
  for (const example of examples) {
    expect(example).toMatch(/^ {2}thaw serve(?: |$)/);
    expect([...example.matchAll(/--([a-z-]+)/g)].filter(([, name = ""]) => !names.has(name))).toEqual([]);
  }
});

it("shows each setting in the help", ({ expect }) => {
  for (const { name, flag, variable } of Object.values<OptionDeclaration<unknown>>(OPTIONS))
    expect(SERVE_USAGE).toContain(flag === null ? `  ${variable} ` : `  --${name} ${flag}`);
});

it("has defaults that every option accepts, and the parts' own limits among them", ({ expect }) => {
  const options = parseServeOptions([], { THAW_HOME: "/srv/thaw" }, true);
  expect(options).toMatchObject({
    listen: { host: "127.0.0.1", port: 9000 },
    dataDir: "/srv/thaw/data",
    environmentsMax: DEFAULT_WORKER_LIMITS.environmentsMax,
    parkedPerVersionMax: DEFAULT_WORKER_LIMITS.parkedPerVersionMax,
    functionShareMax: DEFAULT_WORKER_LIMITS.functionShareMax,
    idleTimeoutS: DEFAULT_WORKER_LIMITS.idleTimeoutMs / 1000,
    snapshotIdleMs: DEFAULT_CONTROL_LIMITS.snapshotIdleMs,
    concurrencyMax: DEFAULT_CONTROL_LIMITS.concurrencyMax,
    chunkCacheMib: Number.POSITIVE_INFINITY,
    credentials: null,
    snapshotStore: null,
    kms: null,
  });
  expect(Object.keys(OPTIONS).length).toBeGreaterThan(35);
});

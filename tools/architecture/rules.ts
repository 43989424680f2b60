/**
 * The layering rule (docs/ARCHITECTURE.md) as tables: imports point inwards, siblings do not know one another, only
 * main sees both sides. A folder that is in no table is a violation: a new one gets its line here first.
 */

const INNER = ["base", "model", "ports"];
const ADAPTERS = [
  "accounts",
  "supervisor",
  "sandboxd",
  "store",
  "objects",
  "images",
  "snapshot-stores",
  "keys",
  "logs",
  "runtimes",
  "metrics",
  "destinations",
  "passed-services",
  "door",
  "transforms",
  "event-sources",
  "issuers",
  "remote-worker",
  "cluster",
];
const OUTER = ["control", "aws", "stacks", "worker", "snapshots", "engines", ...ADAPTERS];

/** The folders that a folder of packages/server/src may import, besides itself. */
export const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ["base"],
  ports: ["base", "model"],
  control: INNER,
  worker: INNER,
  aws: INNER,
  stacks: INNER,
  http: [...INNER, "control", "aws"],
  snapshots: INNER,
  engines: [...INNER, "snapshots"],
  ...Object.fromEntries(ADAPTERS.map((name) => [name, INNER])),
  main: [...INNER, ...OUTER, "http"],
  testing: [...INNER, ...OUTER, "http", "main"],
};

/**
 * Rooms: the folders inside of a folder, and which of their sisters each may import. `.` stands for the files that lie
 * in no room; every room may import them, but for the roofs.
 */
export const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  control: {
    ".": [
      "check",
      "concurrency",
      "event-sources",
      "events",
      "functions",
      "http-apis",
      "invoke",
      "layers",
      "operator",
      "policies",
      "records",
      "snapshots",
      "urls",
    ],
    check: ["invoke", "records"],
    "event-sources": ["invoke", "records"],
    functions: ["records", "snapshots"],
    events: ["invoke", "policies", "records"],
    invoke: ["concurrency", "records", "snapshots"],
    layers: ["records"],
    concurrency: ["records"],
    snapshots: ["records"],
    operator: ["records"],
    policies: ["records"],
    urls: ["invoke", "policies", "records"],
    "http-apis": ["invoke", "policies", "records", "urls"],
    records: [],
  },
  aws: {
    ".": [
      "apigateway",
      "apigatewayv2",
      "cloudcontrol",
      "cloudformation",
      "ecr",
      "events",
      "gateways",
      "iam",
      "logs",
      "scheduler",
      "schemas",
      "ssm",
      "sts",
    ],
    apigateway: ["gateways"],
    apigatewayv2: ["gateways"],
    gateways: [],
    cloudcontrol: [],
    cloudformation: [],
    ecr: [],
    events: [],
    iam: [],
    logs: [],
    s3: [],
    scheduler: [],
    schemas: [],
    ssm: [],
    sts: [],
  },
  worker: {
    ".": ["core", "environment", "lives", "placement", "telemetry"],
    placement: ["core", "environment", "lives"],
    lives: ["core", "environment", "phases"],
    environment: ["core", "phases"],
    phases: ["agents", "core", "runtime-api", "telemetry"],
    core: ["agents", "runtime-api", "telemetry"],
    agents: ["runtime-api"],
    "runtime-api": [],
    telemetry: [],
  },
  snapshots: { ".": ["far", "format"], far: ["format"], format: [], testing: ["far", "format"] },
  stacks: { ".": ["handlers"], handlers: [] },
  engines: { ".": [], criu: [], process: [], fake: [] },
};

/** Files that put a folder's rooms together: no room imports them. */
export const ROOFS: readonly string[] = ["control/control-plane.ts", "worker/create-worker.ts"];

/** What only tests may import, besides `testing` and themselves. */
export const FAKES: readonly string[] = ["engines/fake/", "base/testing/", "snapshots/testing/", "testing/"];

/** Folders of the server that touch files: adapters, and what they share. */
const FILE_USERS = [
  "accounts",
  "base",
  "cluster",
  "door",
  "images",
  "keys",
  "logs",
  "main",
  "metrics",
  "objects",
  "runtimes",
  "snapshot-stores",
  "snapshots",
  "store",
  "transforms",
];

/** Modules that only some folders of the server may use; the other packages' names stand for themselves. */
export const MODULES: Readonly<Record<string, readonly string[]>> = {
  "node:child_process": ["main", "transforms", "packages/cli", "packages/scan"],
  "node:cluster": [],
  "node:dgram": [],
  "node:fs": [...FILE_USERS, "packages/cli", "packages/installation", "packages/scan", "packages/template"],
  "node:http": ["cluster", "packages/cli", "supervisor", "door", "remote-worker"],
  "node:http2": [],
  "node:https": ["cluster", "door", "packages/cli", "remote-worker"],
  "node:net": ["cluster", "door", "main", "packages/cli", "remote-worker", "sandboxd", "supervisor"],
  "node:sqlite": ["logs", "objects", "store"],
  "node:worker_threads": ["aws", "logs"],
  "@aws-sdk/client-cloudformation": ["packages/cli"],
  "@aws-sdk/client-dynamodb": ["passed-services"],
  "@aws-sdk/client-dynamodb-streams": ["event-sources"],
  "@aws-sdk/client-eventbridge": ["destinations"],
  "@aws-sdk/client-kinesis": ["event-sources", "passed-services"],
  "@aws-sdk/client-kms": ["keys"],
  "@aws-sdk/client-lambda": ["packages/cli"],
  "@aws-sdk/client-s3": ["destinations", "packages/cli", "snapshot-stores"],
  "@aws-sdk/client-secrets-manager": ["passed-services"],
  "@aws-sdk/client-sns": ["destinations", "passed-services"],
  "@aws-sdk/client-sqs": ["destinations", "event-sources", "passed-services"],
  "@aws-sdk/client-ssm": ["packages/cli"],
  "@aws-sdk/client-sts": ["packages/cli"],
  "@aws-sdk/credential-provider-node": ["destinations", "event-sources", "passed-services"],
  "@preact/signals": ["packages/console"],
  commander: ["packages/cli"],
  fastify: ["http"],
  jose: ["issuers"],
  "oxc-parser": ["packages/scan"],
  pg: ["store"],
  preact: ["packages/console"],
  "prom-client": ["metrics"],
  yaml: ["aws", "main", "packages/template"],
  yauzl: ["store", "packages/cli", "packages/scan"],
  yazl: ["stacks", "packages/cli"],
  zod: ["packages/thaw-api"],
};

/** Between packages: each imports others by name, through their exports, and never by path. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  installation: [],
  "aws-api": [],
  "thaw-api": [],
  template: ["installation"],
  scan: ["installation", "template"],
  stacks: ["template"],
  server: ["installation", "aws-api", "thaw-api", "template", "stacks"],
  cli: ["installation", "aws-api", "thaw-api", "template", "scan"],
  console: ["aws-api", "thaw-api"],
};

/** Which crate may use which. */
export const CRATES: Readonly<Record<string, readonly string[]>> = {
  faults: [],
  locked: [],
  stderr: [],
  snapshot: [],
  pager: ["faults", "locked", "snapshot", "stderr"],
  sandboxd: ["faults", "locked", "snapshot", "stderr"],
  supervisor: [],
};

/** Rooms of crates/sandboxd/src: folders, and files that lie in none. `main` and `serve` put them together. */
export const SANDBOXD: Readonly<Record<string, readonly string[]>> = {
  sys: [],
  error: [],
  names: ["error"],
  keeper: ["sys"],
  snapshots: ["error", "sys"],
  pager: ["error", "snapshots", "sys"],
  observe: ["error", "names", "snapshots"],
  sandboxes: ["error", "keeper", "names", "observe", "pager", "snapshots", "sys"],
  engines: ["error", "keeper", "names", "sandboxes", "snapshots", "sys"],
  operations: ["engines", "error", "keeper", "names", "observe", "pager", "sandboxes", "snapshots", "sys"],
  protocol: ["engines", "error", "names", "observe", "operations", "pager", "sandboxes", "snapshots", "sys"],
  launcher: [],
  options: ["keeper", "names", "pager"],
  serve: ["engines", "error", "operations", "options", "pager", "protocol", "sandboxes", "snapshots", "sys"],
  main: ["error", "keeper", "launcher", "options", "serve", "sys"],
};

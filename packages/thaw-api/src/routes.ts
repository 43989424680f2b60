/** All routes of Thaw's own API. docs/reference/admin-api.md is generated from them. */
import * as z from "zod";
import {
  account,
  environment,
  host,
  key,
  KEY_STATES,
  logEvent,
  newAccessKey,
  provisioned,
  release,
  SNAPSHOT_STATES,
  snapshotContents,
  snapshotSummary,
  snapshotVerification,
} from "./answers.ts";
import { checkReport } from "./check-report.ts";
import { CONSOLE_ROUTES } from "./console-routes.ts";
import { DEBUG_ROUTES } from "./debug-routes.ts";
import { INVOCATION_ROUTES, LOG_ROUTES, TEST_EVENT_ROUTES } from "./observe-routes.ts";
import { choice, flag, json, listOf, listQuery, number, type RouteForm, text } from "./route.ts";

/** S3Bucket/S3Key of a deployment package: AWS's limit for what is unpacked. */
const OBJECT_BYTES_MAX = 262_144_000;
const SMALL_BODY_BYTES_MAX = 64 * 1024;
/** An event of 6 MiB whose every character is escaped in JSON. */
const CHECK_BYTES_MAX = 40 * 1024 * 1024;

const ofFunction = text("Name of a function");
const ofAccount = z.string().describe("12 digits");
const ofVersion = text("Version: `$LATEST` or a number");
const keyRequest = z.strictObject({
  arn: z.string().nullable().describe("ARN as in KMSKeyArn; null: the installation's own key"),
});

function keyRoute<A extends "create" | "enable" | "disable" | "delete">(action: A, about: string) {
  return {
    method: "POST",
    path: `keys/${action}`,
    about,
    isOperators: true,
    query: {},
    body: keyRequest,
    bodyBytesMax: SMALL_BODY_BYTES_MAX,
    answer: json(z.object({ keys: z.array(key) })),
  } as const;
}

export const ROUTES = {
  getHealth: {
    method: "GET",
    path: "health",
    about: "Says that the process answers.",
    isPublic: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(z.object({ status: z.literal("ok") })),
  },
  describeHost: {
    method: "GET",
    path: "host",
    about: "Describes the host: versions, limits, what is in use.",
    isOperators: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(host),
  },
  readMetrics: {
    method: "GET",
    path: "metrics",
    about: "Gives the metrics (docs/reference/metrics.md).",
    isOperators: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "bytes", contentType: "text/plain" },
  },
  listEnvironments: {
    method: "GET",
    path: "environments",
    about: "Lists the execution environments.",
    query: listQuery({
      function: ofFunction,
      version: ofVersion,
      state: text("State of an environment"),
      id: text("`environmentId`"),
    }),
    body: null,
    bodyBytesMax: 0,
    answer: listOf("environments", environment),
  },
  ...INVOCATION_ROUTES,
  stopEnvironments: {
    method: "POST",
    path: "environments/stop",
    about: "Stops environments: idle ones now, busy ones after their invoke. Without members: all of them.",
    query: {},
    body: z
      .strictObject({
        function: z.string().optional().describe("Name of a function"),
        version: z.string().optional().describe("Version: `$LATEST`, a number, or an alias of the function"),
        keepParked: z.boolean().optional().describe("Leaves parked clones alone"),
      })
      .optional(),
    bodyBytesMax: SMALL_BODY_BYTES_MAX,
    answer: json(z.object({ stopped: z.number() })),
  },
  checkFunction: {
    method: "POST",
    path: "check",
    about: "Restores clones of a version's snapshot, invokes them, and says what they share (docs/guides/check.md).",
    query: {},
    body: z.strictObject({
      function: z.string().describe("NAME:VERSION or NAME:ALIAS"),
      event: z.string().optional().describe("The event as JSON text; without it `{}`"),
      clones: z.number().optional().describe("2 to 5 clones; without it 2"),
    }),
    bodyBytesMax: CHECK_BYTES_MAX,
    answer: json(checkReport),
  },
  listProvisioned: {
    method: "GET",
    path: "provisioned",
    about: "Lists what has provisioned concurrency.",
    query: listQuery({
      function: ofFunction,
      version: text("Version or alias that has it"),
      id: text("FUNCTION:QUALIFIER"),
    }),
    body: null,
    bodyBytesMax: 0,
    answer: listOf("provisioned", provisioned),
  },
  listRuntimes: {
    method: "GET",
    path: "runtimes",
    about: "Lists the releases of runtimes that are installed, and what needs them.",
    isOperators: true,
    query: listQuery({ runtime: text("Runtime, as `java21`"), id: text("`name`") }),
    body: null,
    bodyBytesMax: 0,
    answer: listOf("releases", release),
  },
  listSnapshots: {
    method: "GET",
    path: "snapshots",
    about: "Lists the published versions with SnapStart, and where their snapshots stand.",
    query: listQuery({
      function: ofFunction,
      version: ofVersion,
      state: choice(SNAPSHOT_STATES, "`status` of a snapshot"),
      id: text("`snapshotId`, or FUNCTION:VERSION"),
    }),
    body: null,
    bodyBytesMax: 0,
    answer: listOf("snapshots", snapshotSummary),
  },
  inspectSnapshot: {
    method: "GET",
    path: "snapshots/{snapshot}",
    about: "Describes what is inside a snapshot, by ID, FUNCTION:VERSION or FUNCTION:ALIAS. No page is decrypted.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(snapshotContents),
  },
  verifySnapshot: {
    method: "GET",
    path: "snapshots/{snapshot}/verify",
    about: "Reads and authenticates all of a snapshot.",
    query: { local: flag("Reads only what is on the host: a chunk that it lacks counts as damage") },
    body: null,
    bodyBytesMax: 0,
    answer: json(snapshotVerification),
  },
  readLogs: {
    method: "GET",
    path: "logs/{function}",
    about:
      "Gives the log events of a function as JSON lines, of all its environments; named with a version or an alias, of theirs only.",
    isEndless: true,
    query: {
      since: number("Milliseconds since the epoch of the first event wanted", Number.isFinite, "milliseconds"),
      follow: flag("Goes on with new events until the client leaves"),
    },
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "lines", schema: logEvent },
  },
  ...LOG_ROUTES,
  ...TEST_EVENT_ROUTES,
  listKeys: {
    method: "GET",
    path: "keys",
    about: "Lists the master keys that the server holds itself.",
    isOperators: true,
    query: listQuery({ state: choice(KEY_STATES, "State of a key"), id: text("`arn`, or `default`") }),
    body: null,
    bodyBytesMax: 0,
    answer: listOf("keys", key),
  },
  createKey: keyRoute("create", "Makes a new key under an ARN."),
  enableKey: keyRoute("enable", "Lets a key be used again."),
  disableKey: keyRoute("disable", "Keeps a key from being used until it is enabled."),
  deleteKey: keyRoute("delete", "Removes a key for good: what is sealed with it can't be read any more."),
  listAccounts: {
    method: "GET",
    path: "accounts",
    about: "Lists the accounts and the ids of their access keys.",
    isOperators: true,
    query: listQuery({ id: text("Account, or its name") }),
    body: null,
    bodyBytesMax: 0,
    answer: listOf("accounts", account),
  },
  addAccount: {
    method: "POST",
    path: "accounts/add",
    about: "Makes an account and its first access key.",
    isOperators: true,
    query: {},
    body: z.strictObject({
      accountId: ofAccount,
      name: z.string().optional().describe("A name for people, at most 64 characters"),
    }),
    bodyBytesMax: SMALL_BODY_BYTES_MAX,
    answer: json(newAccessKey),
  },
  rotateAccount: {
    method: "POST",
    path: "accounts/rotate",
    about: "Makes another access key of an account. Its newest one so far stays until the next time; older ones end.",
    isOperators: true,
    query: {},
    body: z.strictObject({
      accountId: ofAccount,
      immediate: z.boolean().optional().describe("Ends all older keys at once"),
    }),
    bodyBytesMax: SMALL_BODY_BYTES_MAX,
    answer: json(newAccessKey),
  },
  removeAccount: {
    method: "POST",
    path: "accounts/remove",
    about: "Removes an account that has no functions and layers any more, with its keys, logs and objects.",
    isOperators: true,
    query: {},
    body: z.strictObject({ accountId: ofAccount }),
    bodyBytesMax: SMALL_BODY_BYTES_MAX,
    answer: json(z.object({ accounts: z.array(account) })),
  },
  ...DEBUG_ROUTES,
  ...CONSOLE_ROUTES,
  putObject: {
    method: "PUT",
    path: "objects/{bucket}/{key+}",
    about: "Stores an object that S3Bucket and S3Key of a deployment package can name.",
    query: {},
    body: "bytes",
    bodyBytesMax: OBJECT_BYTES_MAX,
    answer: json(z.object({ sizeBytes: z.number() })),
  },
  readObject: {
    method: "GET",
    path: "objects/{bucket}/{key+}",
    about: "Gives a small object back, such as the record of a deployment: at most 1 MiB.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "bytes", contentType: "application/octet-stream" },
  },
  readCode: {
    method: "GET",
    path: "code/{name}",
    about: "Gives a deployment package: the target of the link in GetFunction's Code.Location.",
    isOperators: true,
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "bytes", contentType: "application/zip" },
  },
} as const satisfies Readonly<Record<string, RouteForm>>;

export type RouteName = keyof typeof ROUTES;

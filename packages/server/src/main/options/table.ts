/**
 * Every setting of `thaw serve`, declared once: parsing, `--help`, the configuration file and
 * docs/reference/configuration.md come from here. The variables that other parts of Thaw read are in
 * tools/other-variables.ts.
 */
import { DEFAULT_CONTROL_LIMITS } from "../../control/limits.ts";
import { DEFAULT_WORKER_LIMITS } from "../../worker/worker-services.ts";
import { ACCOUNT_OPTIONS } from "./account-options.ts";
import { COMPANION_OPTIONS } from "./companion-options.ts";
import { CONSOLE_OPTIONS } from "./console-options.ts";
import { DATABASE_OPTIONS } from "./database-options.ts";
import { defaulted, optional } from "./declaration.ts";
import { DESTINATION_OPTIONS } from "./destination-options.ts";
import { engineName } from "./engine-name.ts";
import { IMAGE_OPTIONS } from "./image-options.ts";
import { MEMORY_MAX_MIB, PAGER_MEMORY_MIB, PREPARED_MEMORY_MIB } from "./host-defaults.ts";
import { NETWORK_OPTIONS } from "./network-options.ts";
import { OBJECT_OPTIONS } from "./object-options.ts";
import { storeUrl } from "./snapshot-store.ts";
import {
  address,
  directory,
  duration,
  httpOrigins,
  kmsService,
  networks,
  baseUrl,
  oneOf,
  text,
  trueOrFalse,
  wholeNumber,
} from "./value-types.ts";

export type { OptionDeclaration } from "./declaration.ts";

const WORKER = DEFAULT_WORKER_LIMITS;
const CONTROL = DEFAULT_CONTROL_LIMITS;
const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Default of a host with a snapshot store; without one nothing is evicted. */
export const DEFAULT_CHUNK_CACHE_MIB = 10_240;
/** The user that the Debian package makes; its pager has the next number. */
export const SERVER_UID_DEFAULT = 64_321;

const PROCESS_OPTIONS = {
  listen: defaulted({
    name: "listen",
    flag: "HOST:PORT",
    variable: "THAW_LISTEN",
    type: address,
    default: "127.0.0.1:9000",
    unit: null,
    help: "where the Lambda API is served; port 0 picks a free one",
  }),
  dataDir: optional({
    name: "data",
    flag: "DIR",
    variable: "THAW_DATA",
    type: directory,
    defaultText: "/var/lib/thaw/data for root, ~/.local/share/thaw for others",
    unit: null,
    help: "state: functions, snapshots, logs",
  }),
  engine: defaulted({
    name: "engine",
    flag: "criu|process",
    variable: "THAW_ENGINE",
    type: engineName,
    default: "criu",
    unit: null,
    help: "process takes no snapshots",
  }),
  memory: defaulted({
    name: "memory",
    flag: "lazy|eager",
    variable: "THAW_MEMORY",
    type: oneOf("lazy", "eager"),
    default: "lazy",
    unit: null,
    help: "clones get their memory on demand, or all of it before they run",
  }),
  pagerMemoryMib: defaulted({
    name: "pager-memory-mib",
    flag: "N",
    variable: "THAW_PAGER_MEMORY_MIB",
    type: wholeNumber(1, 2 ** 20),
    default: String(PAGER_MEMORY_MIB),
    unit: "MiB",
    help: "decrypted chunks kept for all clones of the host",
  }),
  preparedMemoryMib: defaulted({
    name: "prepared-memory-mib",
    flag: "N",
    variable: "THAW_PREPARED_MEMORY_MIB",
    type: wholeNumber(64, 2 ** 20),
    default: String(PREPARED_MEMORY_MIB),
    defaultText: "a sixteenth of the host's memory, at least 512",
    unit: "MiB",
    help: "memory for the decrypted parts of snapshots that restores read, all snapshots together",
  }),
  cpuLatency: defaulted({
    name: "cpu-latency",
    flag: "low|default",
    variable: "THAW_CPU_LATENCY",
    type: oneOf("low", "default"),
    default: "low",
    unit: null,
    help: "low: processors stay awake for 100 ms from the beginning of a cold start",
  }),
  poolSize: defaulted({
    name: "pool",
    flag: "N",
    variable: "THAW_POOL",
    type: wholeNumber(0, 64),
    default: "3",
    unit: "sandboxes",
    help: "ready sandboxes kept for each kind of runtime",
  }),
  functionUrlBase: optional({
    name: "function-url-base",
    flag: "URL",
    variable: "THAW_FUNCTION_URL_BASE",
    type: baseUrl,
    defaultText: "by the address that the client of the API used",
    unit: null,
    help: "https://HOST: function URLs are shown as https://ID.lambda-url.REGION.HOST/; their names must lead here",
  }),
  trustedProxies: defaulted({
    name: "trusted-proxy",
    flag: "CIDR",
    isList: true,
    variable: "THAW_TRUSTED_PROXIES",
    type: networks,
    default: "",
    defaultText: "none",
    unit: null,
    help: "a network of proxies whose X-Forwarded headers function URLs believe; private as with network-deny; repeatable",
  }),
  httpIssuers: defaulted({
    name: "http-issuer",
    flag: "URL",
    isList: true,
    variable: "THAW_HTTP_ISSUERS",
    type: httpOrigins,
    default: "",
    defaultText: "none",
    unit: null,
    help: "an issuer whose tokens JWT authorizers take although it is asked without encryption, such as one on this machine; repeatable",
  }),
  metricsListen: optional({
    name: "metrics",
    flag: "HOST:PORT",
    variable: "THAW_METRICS",
    type: address,
    defaultText: "off",
    unit: null,
    help: "/metrics and /healthz for Prometheus and probes, without credentials",
  }),
  drainTimeoutS: defaulted({
    name: "drain-timeout-s",
    flag: "N",
    variable: "THAW_DRAIN_TIMEOUT_S",
    type: wholeNumber(0, 3600),
    default: "30",
    unit: "s",
    help: "time that running invocations have after SIGTERM; a second SIGTERM ends them",
  }),
  installRuntimes: defaulted({
    name: "install-runtimes",
    flag: "on-use|never",
    variable: "THAW_INSTALL_RUNTIMES",
    type: oneOf("on-use", "never"),
    default: "never",
    unit: null,
    help: "on-use: a language that a function asks for and this host lacks is installed, as by thaw runtimes install",
  }),
  serverUid: defaulted({
    name: "server-uid",
    flag: null,
    variable: "THAW_SERVER_UID",
    type: wholeNumber(1, 2 ** 31),
    default: String(SERVER_UID_DEFAULT),
    unit: null,
    help: "unprivileged user (and group) of the server process when root starts it; the pager is the user after it",
  }),
};

const LIMIT_OPTIONS = {
  parkedPerVersionMax: defaulted({
    name: "parked-clones",
    flag: "N",
    variable: "THAW_PARKED_CLONES",
    type: wholeNumber(0, 16),
    default: String(WORKER.parkedPerVersionMax),
    unit: "clones",
    help: "clones kept restored and frozen for each version in use; 0: none",
  }),
  parkedMax: defaulted({
    name: "parked-clones-max",
    flag: "N",
    variable: "THAW_PARKED_CLONES_MAX",
    type: wholeNumber(0, 256),
    default: String(WORKER.parkedMax),
    unit: "clones",
    help: "the same for all versions of the host",
  }),
  environmentsMax: defaulted({
    name: "environments-max",
    flag: "N",
    variable: "THAW_ENVIRONMENTS_MAX",
    type: wholeNumber(1, 1000),
    default: String(WORKER.environmentsMax),
    unit: "environments",
    help: "execution environments at once",
  }),
  memoryMaxMib: defaulted({
    name: "memory-max-mib",
    flag: "N",
    variable: "THAW_MEMORY_MAX_MIB",
    type: wholeNumber(128, 2 ** 24),
    default: String(MEMORY_MAX_MIB),
    defaultText: "the host's memory less what is set aside for snapshots, the pager and the host; at least 10240",
    unit: "MiB",
    help: "sum of the memory of all environments",
  }),
  logsMaxMib: defaulted({
    name: "logs-max-mib",
    flag: "N",
    variable: "THAW_LOGS_MAX_MIB",
    type: wholeNumber(16, 2 ** 24),
    default: "1024",
    unit: "MiB",
    help: "log events kept on disk, one log group at most a quarter of it; then the oldest go",
  }),
  memoryCount: optional({
    name: "memory-count",
    flag: "used|configured",
    variable: "THAW_MEMORY_COUNT",
    type: oneOf("used", "configured"),
    defaultText: "used; configured with a snapshot store",
    unit: null,
    help: "how that sum is made: of what environments use, with a quarter of the rest held back, or of their sizes",
  }),
  tmpMaxMib: optional({
    name: "tmp-max-mib",
    flag: "N",
    variable: "THAW_TMP_MAX_MIB",
    type: wholeNumber(512, 2 ** 30),
    defaultText: "what is free where --data is, less --disk-free-min-mib",
    unit: "MiB",
    help: "sum of the ephemeral storage of all environments",
  }),
  idleTimeoutS: defaulted({
    name: "idle-timeout-s",
    flag: "N",
    variable: "THAW_IDLE_TIMEOUT_S",
    type: wholeNumber(1, 86_400),
    default: String(WORKER.idleTimeoutMs / 1000),
    unit: "s",
    help: "an environment that was not invoked for this long is shut down",
  }),
  snapshotIdleMs: defaulted({
    name: "snapshot-idle",
    flag: "TIME",
    variable: "THAW_SNAPSHOT_IDLE",
    type: duration,
    default: CONTROL.snapshotIdleMs === null ? "never" : `${CONTROL.snapshotIdleMs / DAY_MS}d`,
    unit: "s, m, h, d",
    help: "versions not invoked for this long lose their snapshot: 14d, 12h, 30m, 5s or never",
  }),
  stateChangeMs: defaulted({
    name: "state-change-ms",
    flag: "N",
    variable: "THAW_STATE_CHANGE_MS",
    type: wholeNumber(0, 60_000),
    default: String(CONTROL.stateChangeMs),
    unit: "ms",
    help: "shortest time for which a function shows as Pending, or its update as InProgress; 0: until the answer is out",
  }),
  snapshotsAtOnceMax: defaulted({
    name: "snapshots-at-once",
    flag: "N",
    variable: "THAW_SNAPSHOTS_AT_ONCE",
    type: wholeNumber(1, 64),
    default: String(CONTROL.snapshotsAtOnceMax),
    unit: "snapshots",
    help: "snapshots made at the same time",
  }),
  restoresAtOnceMax: defaulted({
    name: "restores-at-once",
    flag: "N",
    variable: "THAW_RESTORES_AT_ONCE",
    type: wholeNumber(1, 1000),
    default: String(WORKER.restoresAtOnceMax),
    unit: "restores",
    help: "restores at the same time; further ones wait up to 10 s",
  }),
  functionSharePercent: defaulted({
    name: "function-share-max-percent",
    flag: "N",
    variable: "THAW_FUNCTION_SHARE_MAX_PERCENT",
    type: wholeNumber(1, 100),
    default: String(Math.round(WORKER.functionShareMax * 100)),
    unit: "%",
    help: "the part of the host that one function may have busy",
  }),
  snapshotsPendingMax: defaulted({
    name: "snapshots-pending-max",
    flag: "N",
    variable: "THAW_SNAPSHOTS_PENDING_MAX",
    type: wholeNumber(1, 100_000),
    default: String(CONTROL.snapshotsPendingMax),
    unit: "versions",
    help: "versions whose snapshot is being made or waits; further publishes are refused",
  }),
  concurrencyMax: defaulted({
    name: "concurrency-max",
    flag: "N",
    variable: "THAW_CONCURRENCY_MAX",
    type: wholeNumber(1, 100_000),
    default: String(CONTROL.concurrencyMax),
    unit: "invokes",
    help: "invokes at the same time, all functions together",
  }),
  diskFreeMinMib: defaulted({
    name: "disk-free-min-mib",
    flag: "N",
    variable: "THAW_DISK_FREE_MIN_MIB",
    type: wholeNumber(0, 2 ** 24),
    default: String(CONTROL.diskFreeMinBytes / MIB),
    unit: "MiB",
    help: "no new snapshot is made where less of the disk is left",
  }),
};

const STORE_OPTIONS = {
  snapshotStore: optional({
    name: "snapshot-store",
    flag: "URL",
    variable: "THAW_SNAPSHOT_STORE",
    type: storeUrl,
    defaultText: "none",
    unit: null,
    help: "s3://BUCKET/PREFIX or file:///DIR: snapshots are kept there, too, and fetched chunk by chunk",
  }),
  s3PathStyle: optional({
    name: "s3-path-style",
    flag: "BOOL",
    variable: "THAW_S3_PATH_STYLE",
    type: trueOrFalse,
    defaultText: "true where an S3 endpoint is set",
    unit: null,
    help: "the bucket in the path of requests, not in the host name",
  }),
  s3Endpoint: optional({
    name: "s3-endpoint",
    flag: null,
    variable: "THAW_S3_ENDPOINT",
    fallbacks: ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
    type: text("a URL"),
    defaultText: "AWS's",
    unit: null,
    help: "S3 service of the snapshot store",
  }),
  s3Region: optional({
    name: "s3-region",
    flag: null,
    variable: "THAW_S3_REGION",
    fallbacks: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    type: text("a region's name"),
    defaultText: "the value of region",
    unit: null,
    help: "region of the snapshot store's bucket",
  }),
  s3AccessKeyId: optional({
    name: "s3-access-key-id",
    flag: null,
    variable: "THAW_S3_ACCESS_KEY_ID",
    type: text("a key id"),
    defaultText: "AWS's usual search: variables, profile, role of the machine",
    unit: null,
    help: "key id for the snapshot store",
  }),
  s3SecretAccessKey: optional({
    name: "s3-secret-access-key",
    flag: null,
    variable: "THAW_S3_SECRET_ACCESS_KEY",
    type: text("a secret key"),
    defaultText: "AWS's usual search",
    unit: null,
    isSecret: true,
    help: "secret key of THAW_S3_ACCESS_KEY_ID",
  }),
  chunkCacheMib: optional({
    name: "chunk-cache-mib",
    flag: "N",
    variable: "THAW_CHUNK_CACHE_MIB",
    type: wholeNumber(1, 2 ** 30),
    defaultText: String(DEFAULT_CHUNK_CACHE_MIB),
    unit: "MiB",
    help: "chunks kept on this host when the snapshot store has them, too; refused without one",
  }),
  chunkGraceS: defaulted({
    name: "chunk-grace-s",
    flag: null,
    variable: "THAW_CHUNK_GRACE_S",
    type: wholeNumber(0, 2 ** 30),
    // Longer than an environment lives: it may have a manifest open that has been replaced since.
    default: "21600",
    unit: "s",
    help: "time for which no snapshot has named a chunk of the snapshot store before it is deleted there",
  }),
  kms: optional({
    name: "kms",
    flag: "aws|URL",
    variable: "THAW_KMS",
    type: kmsService,
    defaultText: 'none: only "thaw keys"',
    unit: null,
    help: "KMSKeyArn of functions: AWS KMS, or its API at URL",
  }),
  kmsRegion: optional({
    name: "kms-region",
    flag: null,
    variable: "THAW_KMS_REGION",
    fallbacks: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    type: text("a region's name"),
    defaultText: "the value of region",
    unit: null,
    help: "region of the keys",
  }),
  dataKeyCacheS: defaulted({
    name: "data-key-cache-s",
    flag: null,
    variable: "THAW_DATA_KEY_CACHE_S",
    type: wholeNumber(0, 86_400),
    // As AWS caches them.
    default: "300",
    unit: "s",
    help: "time for which an unwrapped data key is used before the key's holder is asked again",
  }),
};

export const OPTIONS = {
  ...PROCESS_OPTIONS,
  ...ACCOUNT_OPTIONS,
  ...NETWORK_OPTIONS,
  ...CONSOLE_OPTIONS,
  ...IMAGE_OPTIONS,
  ...LIMIT_OPTIONS,
  ...STORE_OPTIONS,
  ...DATABASE_OPTIONS,
  ...DESTINATION_OPTIONS,
  ...COMPANION_OPTIONS,
  ...OBJECT_OPTIONS,
};

export type OptionKey = keyof typeof OPTIONS;
/** Parsed values by key of the table. */
export type OptionValues = {
  readonly [K in OptionKey]:
    | ReturnType<(typeof OPTIONS)[K]["type"]["parse"]>
    | ((typeof OPTIONS)[K]["default"] extends string ? never : null);
};

export const CONFIG_FLAG = "config";
export const CONFIG_VARIABLE = "THAW_CONFIG";

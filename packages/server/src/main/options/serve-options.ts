/** Configuration of `thaw serve`, parsed once at the start and handed on as values. */
import { defaultDataDirOf, thawHomeOf } from "@thaw/installation";
import type { AwsDestinationsOptions } from "../../destinations/aws-destinations.ts";
import type { ImageSourceOptions } from "../../images/image-source.ts";
import type { AwsKmsOptions } from "../../keys/aws-kms.ts";
import type { DatabaseAddress } from "../../store/postgres/database-url.ts";
import { type Companion, withCompanion } from "./companion-options.ts";
import { toDatabase } from "./database-options.ts";
import { type Env, readSettings, type Settings } from "./settings.ts";
import { checkCallers } from "./service-callers.ts";
import { composeStore, type SnapshotStoreOptions } from "./snapshot-store.ts";
import { DEFAULT_CHUNK_CACHE_MIB, type OptionValues } from "./table.ts";
import { UsageError } from "./usage-error.ts";
import type { Address } from "./value-types.ts";

export interface ServerCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Settings that are the table's values as they are. */
type Plain = Omit<
  OptionValues,
  | "listen"
  | "otherRegions"
  | "dataDir"
  | "accessKeyId"
  | "secretAccessKey"
  | "functionSharePercent"
  | "snapshotStore"
  | "chunkCacheMib"
  | "companion"
  | "companionPort"
  | "kms"
  | "kmsRegion"
  | `s3${string}`
  | `aws${string}`
  | `image${string}`
  | "registryAuthFile"
  | "database"
  | "databasePassword"
>;

export interface ServeOptions extends Plain {
  readonly listen: Address;
  /** Regions in which there can be functions; the first is `region`. */
  readonly regions: readonly string[];
  readonly dataDir: string;
  /** Machine-level results of the set-up: CRIU, language runtimes. */
  readonly thawHome: string;
  /** Keys that the operator chose; null: they are made at the first start. */
  readonly credentials: ServerCredentials | null;
  /** From 0, exclusive, to 1. */
  readonly functionShareMax: number;
  /** Place where snapshots are kept besides this host; null: only here. */
  readonly snapshotStore: SnapshotStoreOptions | null;
  /**
   * Limit of the chunks on this host's disk, beyond which those that the snapshot store has are evicted. Infinity: no
   * limit.
   */
  readonly chunkCacheMib: number;
  /** Where container images may lie. */
  readonly images: Omit<ImageSourceOptions, "scratchDir" | "clock" | "watchRoom">;
  /** Where destinations of asynchronous invokes are, and who signs what is sent there. */
  readonly destinations: AwsDestinationsOptions;
  /** Service that the launcher starts for queues, tables and the like; null: none. */
  readonly companion: Companion | null;
  /** Where the metadata is; null: in files of the data directory. */
  readonly database: DatabaseAddress | null;
  /** Null: only the local keyring. */
  readonly kms: AwsKmsOptions | null;
}

/** Throws a UsageError when a setting is unknown, has another form, or contradicts another one. */
export function parseServeOptions(argv: readonly string[], env: Env, isRoot: boolean): ServeOptions {
  return toServeOptions(readSettings(argv, env), isRoot);
}

/** Throws a UsageError when settings contradict one another. */
export function toServeOptions({ values, env }: Settings, isRoot: boolean): ServeOptions {
  const {
    dataDir,
    otherRegions,
    accessKeyId,
    secretAccessKey,
    functionSharePercent,
    snapshotStore: _url,
    chunkCacheMib: _cache,
    kms,
    kmsRegion,
    s3Endpoint: _endpoint,
    s3Region: _region,
    s3PathStyle: _pathStyle,
    s3AccessKeyId: _id,
    s3SecretAccessKey: _secret,
    awsEndpoints: _endpoints,
    companion: _companion,
    companionPort: _port,
    awsKeyId,
    awsSecretKey,
    imageDir,
    imageRegistries,
    registryAuthFile,
    database: _database,
    databasePassword: _password,
    ...plain
  } = values;
  const { companion, awsEndpoints, hostPorts } = withCompanion(values);
  checkCallers(values.serviceCallers, hostPorts);
  return {
    ...plain,
    companion,
    hostPorts,
    regions: [...new Set([values.region, ...otherRegions])],
    dataDir: dataDir ?? defaultDataDirOf(env, isRoot),
    thawHome: thawHomeOf(env),
    credentials: pairOf(["THAW_ACCESS_KEY_ID", "THAW_SECRET_ACCESS_KEY"], accessKeyId, secretAccessKey),
    destinations: {
      endpoints: awsEndpoints,
      credentials: pairOf(["THAW_AWS_KEY_ID", "THAW_AWS_SECRET_KEY"], awsKeyId, awsSecretKey),
      region: values.region,
    },
    images: { directory: imageDir, registries: imageRegistries, authFile: registryAuthFile },
    functionShareMax: functionSharePercent / 100,
    ...toStore(values),
    database: toDatabase(values),
    kms: kms === null ? null : { endpoint: kms.endpoint, region: kmsRegion ?? values.region },
  };
}

function pairOf(
  names: readonly [string, string],
  accessKeyId: string | null,
  secretAccessKey: string | null,
): ServerCredentials | null {
  if (accessKeyId !== null && secretAccessKey !== null) return { accessKeyId, secretAccessKey };
  if (accessKeyId !== null || secretAccessKey !== null)
    throw new UsageError(`${names.join(" and ")} belong together; only one is set`);
  return null;
}

function toStore(values: OptionValues): Pick<ServeOptions, "snapshotStore" | "chunkCacheMib"> {
  const { snapshotStore, chunkCacheMib } = values;
  if (snapshotStore === null) {
    if (chunkCacheMib !== null)
      throw new UsageError(
        "--chunk-cache-mib needs --snapshot-store: without one, what is on this host is all there is",
      );
    return { snapshotStore: null, chunkCacheMib: Number.POSITIVE_INFINITY };
  }
  return {
    snapshotStore: composeStore(snapshotStore, {
      endpoint: values.s3Endpoint,
      region: values.s3Region ?? values.region,
      pathStyle: values.s3PathStyle,
      accessKeyId: values.s3AccessKeyId,
      secretAccessKey: values.s3SecretAccessKey,
    }),
    chunkCacheMib: chunkCacheMib ?? DEFAULT_CHUNK_CACHE_MIB,
  };
}

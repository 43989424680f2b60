/** The settings of the far store: where it is, and how it is reached. */
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import type { S3StoreOptions } from "../snapshot-stores/s3-store.ts";
import { UsageError } from "./usage-error.ts";

export type SnapshotStoreOptions =
  | { readonly kind: "directory"; readonly path: string }
  | ({ readonly kind: "s3" } & S3StoreOptions);

type Env = Readonly<Record<string, string | undefined>>;

/** `s3://BUCKET/PREFIX` or `file:///DIR`. */
export function parseSnapshotStore(
  text: string,
  pathStyle: string | undefined,
  region: string,
  env: Env,
): SnapshotStoreOptions {
  const wrong = new UsageError(
    `--snapshot-store ${text}: expected s3://BUCKET, s3://BUCKET/PREFIX or file:///DIRECTORY`,
  );
  if (text.startsWith("file://")) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || url.host !== "" || !isAbsolute(url.pathname) || url.pathname === "/") throw wrong;
    return { kind: "directory", path: fileURLToPath(url).replace(/\/+$/, "") };
  }
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text);
  if (match?.[1] === undefined) throw wrong;
  const prefix = (match[2] ?? "").replace(/^\/+|\/+$/g, "");
  const endpoint = env["THAW_S3_ENDPOINT"] ?? env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"] ?? null;
  const [accessKeyId, secretAccessKey] = [env["THAW_S3_ACCESS_KEY_ID"], env["THAW_S3_SECRET_ACCESS_KEY"]];
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new UsageError("THAW_S3_ACCESS_KEY_ID and THAW_S3_SECRET_ACCESS_KEY belong together; only one is set");
  if (pathStyle !== undefined && pathStyle !== "true" && pathStyle !== "false")
    throw new UsageError(`--s3-path-style ${pathStyle}: expected true or false`);
  return {
    kind: "s3",
    bucket: match[1],
    prefix: prefix === "" ? "" : `${prefix}/`,
    endpoint,
    pathStyle: pathStyle === undefined ? endpoint !== null : pathStyle === "true",
    region: env["THAW_S3_REGION"] ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? region,
    credentials: accessKeyId === undefined || secretAccessKey === undefined ? null : { accessKeyId, secretAccessKey },
  };
}

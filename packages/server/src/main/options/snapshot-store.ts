/** The settings of the snapshot store: where it is, and how it is reached. */
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import type { S3StoreOptions } from "../../snapshot-stores/s3-store.ts";
import { UsageError } from "./usage-error.ts";
import type { ValueType } from "./value-types.ts";

export type SnapshotStoreOptions =
  | { readonly kind: "directory"; readonly path: string }
  | ({ readonly kind: "s3" } & S3StoreOptions);

type StoreUrl =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

export const storeUrl: ValueType<StoreUrl> = {
  form: "`s3://BUCKET`, `s3://BUCKET/PREFIX` or `file:///DIRECTORY`",
  parse(name, text) {
    const parsed = text.startsWith("file://") ? parseFileUrl(text) : parseS3Url(text);
    if (parsed === null)
      throw new UsageError(`${name} ${text}: expected s3://BUCKET, s3://BUCKET/PREFIX or file:///DIRECTORY`);
    return parsed;
  },
};

function parseFileUrl(text: string): StoreUrl | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.host !== "" || !isAbsolute(url.pathname) || url.pathname === "/") return null;
  const path = fileURLToPath(url);
  return { kind: "directory", path: path.slice(0, endWithoutSlashes(path)) };
}

function parseS3Url(text: string): StoreUrl | null {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text);
  if (match?.[1] === undefined) return null;
  const path = match[2] ?? "";
  const prefix = path.slice(0, endWithoutSlashes(path)).replace(/^\/+/, "");
  return { kind: "s3", bucket: match[1], prefix: prefix === "" ? "" : `${prefix}/` };
}

/** Length without the slashes at the end. A regular expression would look again from each slash of a long row. */
function endWithoutSlashes(text: string): number {
  let end = text.length;
  while (text[end - 1] === "/") end--;
  return end;
}

/** Settings that belong to an S3 store, each null where it was not given. */
export interface S3Settings {
  readonly endpoint: string | null;
  readonly region: string;
  readonly pathStyle: boolean | null;
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
}

/** Throws a UsageError when only one half of the credentials is given. */
export function composeStore(url: StoreUrl, settings: S3Settings): SnapshotStoreOptions {
  if (url.kind === "directory") return url;
  const { endpoint, region, pathStyle, accessKeyId, secretAccessKey } = settings;
  if ((accessKeyId === null) !== (secretAccessKey === null))
    throw new UsageError("THAW_S3_ACCESS_KEY_ID and THAW_S3_SECRET_ACCESS_KEY belong together; only one is set");
  return {
    ...url,
    endpoint,
    pathStyle: pathStyle ?? endpoint !== null,
    region,
    credentials: accessKeyId === null || secretAccessKey === null ? null : { accessKeyId, secretAccessKey },
  };
}

/** Addresses of objects of S3, in all the forms that deployment tools write. They are read, and never fetched. */

export interface NamedObject {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

/** `BUCKET.s3.REGION.amazonaws.com`, `BUCKET.s3.amazonaws.com`, `BUCKET.s3-REGION.amazonaws.com`, `BUCKET.localhost` */
const VIRTUAL =
  /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?:s3(?:[.-][a-z0-9-]+)?(?:\.dualstack)?\.amazonaws\.com(?:\.cn)?|(?:s3\.)?localhost)$/;

/** Null where it names none. A host that is none of AWS's is that of an endpoint: the path has the bucket. */
export function objectOf(url: string): NamedObject | null {
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, pathname, searchParams } = new URL(url);
  const path = decoded(pathname.slice(1));
  if (path === null) return null;
  if (protocol === "s3:") return named(hostname, path, null);
  if (protocol !== "https:" && protocol !== "http:") return null;
  const version = searchParams.get("versionId");
  const [, bucket] = VIRTUAL.exec(hostname) ?? [];
  if (bucket !== undefined) return named(bucket, path, version);
  const at = path.indexOf("/");
  return at === -1 ? null : named(path.slice(0, at), path.slice(at + 1), version);
}

function named(bucket: string, key: string, version: string | null): NamedObject | null {
  if (bucket === "" || key === "") return null;
  return { Bucket: bucket, Key: key, ...(version === null || version === "" ? {} : { VersionId: version }) };
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

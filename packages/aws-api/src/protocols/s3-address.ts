/** The bucket in the host of a request to S3: `BUCKET.s3.REGION.ANYTHING`, `BUCKET.s3.ANYTHING`, `BUCKET.localhost`. */

/** Null where the host names none: the bucket is then the first part of the path. */
export function bucketOfHost(hostName: string): string | null {
  const labels = hostName.split(".");
  const at = labels.lastIndexOf("s3");
  if (at > 0) return labels.slice(0, at).join(".");
  return at === -1 && labels.length === 2 && labels[1] === "localhost" ? (labels[0] ?? null) : null;
}

/** Tells whether a host is S3's, with a bucket or without. */
export function isS3Host(hostName: string): boolean {
  return hostName.endsWith(".localhost") && hostName.split(".").includes("s3");
}

/** Gives the path that begins with the bucket, wherever the bucket was. */
export function pathWithBucket(hostName: string, path: string): string {
  const bucket = bucketOfHost(hostName);
  return bucket === null ? path : `/${bucket}${path.startsWith("/") ? path : `/${path}`}`;
}

/** What a request asks of an object before it is read: conditions, ranges and parts. */
import type { ObjectVersion } from "../../model/object-record.ts";
import type { ByteRange } from "../../ports/object-store.ts";
import { quoted } from "./found.ts";
import { S3Error } from "./s3-error.ts";

export interface Conditions {
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly IfModifiedSince?: Date | undefined;
  readonly IfUnmodifiedSince?: Date | undefined;
}

/**
 * Throws PreconditionFailed and NotModified. An ETag goes before a time
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
 */
export function checkConditions(version: ObjectVersion, conditions: Conditions): void {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  // HTTP's times have no fractions.
  const modifiedMs = Math.floor(version.modifiedMs / 1000) * 1000;
  if (IfMatch !== undefined) {
    if (!names(IfMatch, version.etag)) throw failed("If-Match");
  } else if (IfUnmodifiedSince !== undefined && modifiedMs > IfUnmodifiedSince.getTime())
    throw failed("If-Unmodified-Since");
  if (IfNoneMatch !== undefined) {
    if (names(IfNoneMatch, version.etag)) throw notModified(version);
  } else if (IfModifiedSince !== undefined && modifiedMs <= IfModifiedSince.getTime()) throw notModified(version);
}

/** The same for the source of a copy, which is never "not modified". */
export function checkSource(version: ObjectVersion, conditions: Conditions): void {
  try {
    checkConditions(version, conditions);
  } catch (error) {
    if (error instanceof S3Error && error.code === "NotModified") throw failed("x-amz-copy-source-If-None-Match");
    throw error;
  }
}

function names(header: string, etag: string): boolean {
  return header.split(",").some((each) => {
    const text = each.trim().replace(/^W\//, "");
    return text === "*" || text.replaceAll('"', "") === etag;
  });
}

function failed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
    elements: { Condition: condition },
  });
}

function notModified({ etag, modifiedMs }: ObjectVersion): S3Error {
  return new S3Error("NotModified", "Not Modified", {
    headers: { ETag: quoted(etag), "Last-Modified": new Date(modifiedMs).toUTCString() },
  });
}

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/** Null for the whole object, as where the header is none that S3 knows. Throws InvalidRange. */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | null {
  const [, first = "", last = ""] = RANGE.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  const range =
    first === ""
      ? { first: Math.max(sizeBytes - Number(last), 0), last: sizeBytes - 1 }
      : { first: Number(first), last: Math.min(last === "" ? sizeBytes - 1 : Number(last), sizeBytes - 1) };
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null;
  if (range.first >= sizeBytes || (first === "" && Number(last) === 0))
    throw new S3Error("InvalidRange", "The requested range is not satisfiable", {
      headers: { "Content-Range": `bytes */${sizeBytes}` },
      elements: { RangeRequested: String(header), ActualObjectSize: String(sizeBytes) },
    });
  return range;
}

/** Lifecycle rules as templates write them, in the form of S3's API. They are kept, and no rule removes an object. */
import type { TemplateMap } from "@thaw/template/value";
import { HandlerError } from "./handler.ts";
import { booleanOf, given, mapOf, mapsOf, numberOf, textOf } from "./values.ts";

const TAKEN: ReadonlySet<string> = new Set([
  "AbortIncompleteMultipartUpload",
  "ExpirationInDays",
  "ExpiredObjectDeleteMarker",
  "Id",
  "NoncurrentVersionExpiration",
  "NoncurrentVersionExpirationInDays",
  "Prefix",
  "Status",
]);

/** Null where there are none. */
export function lifecycleOf(properties: TemplateMap): object | null {
  const configuration = mapOf(properties, "LifecycleConfiguration");
  return configuration === null ? null : { Rules: mapsOf(configuration, "Rules").map(ruleOf) };
}

function ruleOf(rule: TemplateMap): object {
  const other = Object.keys(rule).find((name) => !TAKEN.has(name));
  if (other !== undefined) throw new HandlerError(`LifecycleConfiguration: Thaw does not have ${other} of a rule.`);
  const expiration = given({
    Days: numberOf(rule, "ExpirationInDays"),
    ExpiredObjectDeleteMarker: booleanOf(rule, "ExpiredObjectDeleteMarker"),
  });
  const upload = mapOf(rule, "AbortIncompleteMultipartUpload");
  return given({
    ID: textOf(rule, "Id"),
    Status: textOf(rule, "Status"),
    Filter: { Prefix: textOf(rule, "Prefix") ?? "" },
    Expiration: Object.keys(expiration).length === 0 ? null : expiration,
    NoncurrentVersionExpiration: noncurrentOf(rule),
    AbortIncompleteMultipartUpload:
      upload === null ? null : given({ DaysAfterInitiation: numberOf(upload, "DaysAfterInitiation") }),
  });
}

function noncurrentOf(rule: TemplateMap): object | null {
  const expiration = mapOf(rule, "NoncurrentVersionExpiration");
  const days = numberOf(rule, "NoncurrentVersionExpirationInDays");
  if (expiration === null) return days === null ? null : { NoncurrentDays: days };
  return given({
    NoncurrentDays: numberOf(expiration, "NoncurrentDays"),
    NewerNoncurrentVersions: numberOf(expiration, "NewerNoncurrentVersions"),
  });
}

/**
 * What a function's answer says of a batch whose mapping has `ReportBatchItemFailures`. Sources: recorded
 * …test_report_batch_item_failure… (environment-behaviour.md 8.2);
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
import { isMap } from "@thaw/installation/json-map";

export type BatchVerdict =
  | { readonly kind: "success" }
  /** `failed`: identifiers of the batch, at least one. */
  | { readonly kind: "partial"; readonly failed: ReadonlySet<string> }
  /** `why` is a sentence without its subject. */
  | { readonly kind: "failure"; readonly why: string };

/** `ids`: the identifiers of the batch. `isStream`: an empty text or list is a success there. */
export function verdictOf(payload: Buffer, ids: ReadonlySet<string>, isStream: boolean): BatchVerdict {
  let answer: unknown;
  try {
    answer = payload.length === 0 ? null : JSON.parse(payload.toString("utf8"));
  } catch {
    return failure("the function's answer is not JSON");
  }
  if (answer === null || (isStream && isEmpty(answer))) return { kind: "success" };
  if (!isMap(answer)) return failure("the function's answer is not a JSON object");
  const failures = answer["batchItemFailures"];
  if (failures === undefined || failures === null) return { kind: "success" };
  if (!Array.isArray(failures)) return failure("batchItemFailures is not a list");
  const failed = new Set<string>();
  for (const each of failures as readonly unknown[]) {
    const id = isMap(each) ? each["itemIdentifier"] : undefined;
    if (typeof id !== "string" || id === "") return failure("batchItemFailures has an entry without an itemIdentifier");
    if (!ids.has(id)) return failure("batchItemFailures has an itemIdentifier that is not one of the batch");
    failed.add(id);
  }
  return failed.size === 0 ? { kind: "success" } : { kind: "partial", failed };
}

function failure(why: string): BatchVerdict {
  return { kind: "failure", why };
}

function isEmpty(value: unknown): boolean {
  return value === "" || (Array.isArray(value) && value.length === 0);
}

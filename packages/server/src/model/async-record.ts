/**
 * The record of an asynchronous invoke that AWS sends to a destination, field by field.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */

export type Condition =
  | "Success"
  | "RetriesExhausted"
  | "EventAgeExceeded"
  | "ZeroReservedConcurrency"
  | "RecursiveInvocation";

/** The last run of the function. */
export interface LastRun {
  readonly executedVersion: string;
  /** Null: it succeeded. */
  readonly functionError: string | null;
  readonly payload: Buffer;
}

export interface AsyncRecordFacts {
  readonly nowMs: number;
  readonly requestId: string;
  /** Always with a qualifier, `$LATEST` too. */
  readonly functionArn: string;
  readonly condition: Condition;
  readonly invokeCount: number;
  readonly requestPayload: Buffer;
  /** Null where the function did not run: then the record has neither its context nor its payload. */
  readonly lastRun: LastRun | null;
}

/** Payloads stand in it as they are, so that no number is rounded. */
export function asyncRecord(facts: AsyncRecordFacts): Buffer {
  const { requestId, functionArn, condition, invokeCount, lastRun } = facts;
  const parts = [
    '"version":"1.0"',
    `"timestamp":${JSON.stringify(new Date(facts.nowMs).toISOString())}`,
    `"requestContext":${JSON.stringify({ requestId, functionArn, condition, approximateInvokeCount: invokeCount })}`,
    `"requestPayload":${jsonOf(facts.requestPayload)}`,
  ];
  if (lastRun !== null) {
    const { executedVersion, functionError } = lastRun;
    const context = { statusCode: 200, executedVersion, ...(functionError === null ? {} : { functionError }) };
    parts.push(`"responseContext":${JSON.stringify(context)}`, `"responsePayload":${jsonOf(lastRun.payload)}`);
  }
  return Buffer.from(`{${parts.join(",")}}`);
}

/** A payload as JSON: what is none becomes a text, and nothing becomes null. */
function jsonOf(payload: Buffer): string {
  const text = payload.toString("utf8");
  if (text === "") return "null";
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

/** Rows of what waits in the store to be carried out: accepted events, and deliveries to destinations. */
import type { DeliveryRecord, EventRecord } from "../model/function-record.ts";
import type { Stored } from "../ports/metadata-store.ts";

type Row = Readonly<Record<string, unknown>>;

export function toEvent(row: Row): Stored<EventRecord> {
  return {
    id: row["id"] as number,
    requestId: row["request_id"] as string,
    functionName: row["function_name"] as string,
    qualifier: row["qualifier"] as string | null,
    payload: Buffer.from(row["payload"] as Uint8Array),
    clientContext: row["client_context"] as string | null,
    traceId: row["trace_id"] as string | null,
    attempts: row["attempts"] as number,
    acceptedAtMs: row["accepted_at_ms"] as number,
    notBeforeMs: row["not_before_ms"] as number,
    revision: row["revision"] as number,
  };
}

export function toDelivery(row: Row): Stored<DeliveryRecord> {
  return {
    ...(JSON.parse(row["doc"] as string) as Omit<DeliveryRecord, "id" | "body" | "attempts" | "notBeforeMs">),
    id: row["id"] as number,
    body: Buffer.from(row["body"] as Uint8Array),
    attempts: row["attempts"] as number,
    notBeforeMs: row["not_before_ms"] as number,
    revision: row["revision"] as number,
  };
}

/** Lists the values of a column that an index begins with: one step for each value, however many rows have it. */
export const valuesOf = (table: string, column: string): string => `WITH RECURSIVE n(name) AS (
  SELECT min(${column}) FROM ${table}
  UNION ALL SELECT (SELECT min(${column}) FROM ${table} WHERE ${column} > n.name) FROM n WHERE n.name IS NOT NULL)
  SELECT name FROM n WHERE name IS NOT NULL`;

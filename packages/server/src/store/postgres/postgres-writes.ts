/** The writes of the metadata as statements: each says by the rows that it met whether it found what it expects. */
import { LATEST } from "../../model/function-record.ts";
import type { DocumentWrite, Revision, Write } from "../../ports/metadata-store.ts";
import { toDocument } from "../document-rows.ts";
import { type Place, placeOf, type Table } from "../places.ts";
import type { Query, Value } from "./connections.ts";

type DeliveryWrite = Extract<Write, { readonly op: "addDelivery" | "postponeDelivery" | "removeDelivery" }>;
type EventWrite = Extract<Write, { readonly op: "addEvent" | "postponeEvent" | "removeEvent" }>;
type NoteWrite = Extract<Write, { readonly op: "putUse" | "putUnfinished" }>;

/** The condition that a row of the table has a key, whose first value is `$first`. `$1` is the scope. */
export function isKeyOf({ keys }: Table, first: number): string {
  return ["scope = $1", ...keys.map((key, at) => `${key} = $${first + at}`)].join(" AND ");
}

/** Carries one write out. False where what it expects is not so. */
export async function carryOut(write: Write, query: Query, revision: Revision): Promise<boolean> {
  switch (write.op) {
    case "put":
    case "remove":
    case "expect":
      return carryOutDocument(write, query, revision);
    case "touchFunction": {
      const sql = "UPDATE thaw.functions SET revision = $2 WHERE scope = $1 AND name = $3 AND revision = $4";
      return wrote(query(sql, revision, write.record.name, write.record.revision));
    }
    case "touchAccount": {
      const sql = "UPDATE thaw.scopes SET account_revision = $2 WHERE id = $1 AND account_revision = $3";
      return wrote(query(sql, revision, write.revision));
    }
    case "addEvent":
    case "postponeEvent":
    case "removeEvent":
      return carryOutEvent(write, query, revision);
    case "addDelivery":
    case "postponeDelivery":
    case "removeDelivery":
      return carryOutDelivery(write, query, revision);
    case "putUse":
    case "putUnfinished":
      await note(write, query);
      return true;
  }
}

async function wrote(answer: ReturnType<Query>): Promise<boolean> {
  return (await answer).count > 0;
}

async function carryOutDocument(write: DocumentWrite, query: Query, revision: Revision): Promise<boolean> {
  const place = placeOf(write);
  const { table, keys } = place;
  const isThatOne = `${isKeyOf(table, 3)} AND revision = $2`;
  switch (write.op) {
    case "expect":
      return wrote(query(`SELECT 1 FROM thaw.${table.name} WHERE ${isThatOne}`, write.record.revision, ...keys));
    case "remove":
      return wrote(query(`DELETE FROM thaw.${table.name} WHERE ${isThatOne}`, write.record.revision, ...keys));
    case "put": {
      if (write.over === null) return insert(write, place, query, revision);
      const after = keys.length + 3;
      const set = ["doc", "revision", ...derivedOf(write).map(([column]) => column)];
      const sql = `UPDATE thaw.${table.name} SET ${set.map((column, at) => `${column} = $${after + at}`).join(", ")}
        WHERE ${isThatOne}`;
      const values = [toDocument(write.record), revision, ...derivedOf(write).map(([, value]) => value)];
      return wrote(query(sql, write.over.revision, ...keys, ...values));
    }
  }
}

/** Columns that a document's table has of the document, for order and sums. */
function derivedOf(write: DocumentWrite): ReadonlyArray<readonly [column: string, value: number]> {
  if (write.kind === "function") return [["uid", write.record.uid]];
  if (write.kind !== "version") return [];
  return [["number", write.record.version === LATEST ? 0 : Number(write.record.version)]];
}

function insert(
  write: DocumentWrite,
  { table, keys, owner }: Place,
  query: Query,
  revision: Revision,
): Promise<boolean> {
  const derived = derivedOf(write);
  const columns = ["scope", ...table.keys, "doc", "revision", ...derived.map(([column]) => column)];
  const values = [...keys, toDocument(write.record), revision, ...derived.map(([, value]) => value)];
  // A selected parameter has its type from its cast only.
  const texts = keys.length + 2;
  const marks = columns.map((_column, at) => `$${at + 1}::${at > 0 && at < texts ? "text" : "bigint"}`).join(", ");
  const into = `INSERT INTO thaw.${table.name} (${columns.join(", ")}) SELECT ${marks}`;
  if (owner === null) return wrote(query(`${into} ON CONFLICT DO NOTHING`, ...values));
  const from = `FROM thaw.functions WHERE scope = $1 AND name = $${columns.length + 1}`;
  return wrote(query(`${into} ${from} ON CONFLICT DO NOTHING`, ...values, owner));
}

function carryOutEvent(write: EventWrite, query: Query, revision: Revision): Promise<boolean> {
  switch (write.op) {
    case "addEvent": {
      const { functionName, payload, attempts, acceptedAtMs, notBeforeMs, ...doc } = write.event;
      const sql = `INSERT INTO thaw.events
        (scope, function_name, doc, payload, attempts, accepted_at_ms, not_before_ms, revision)
        SELECT scope, name, $3::text, $4::bytea, $5::bigint, $6::bigint, $7::bigint, $8::bigint
        FROM thaw.functions WHERE scope = $1 AND name = $2`;
      const values: readonly Value[] = [JSON.stringify(doc), Buffer.from(payload), attempts, acceptedAtMs, notBeforeMs];
      return wrote(query(sql, functionName, ...values, revision));
    }
    case "postponeEvent": {
      const sql = `UPDATE thaw.events SET attempts = $4, not_before_ms = $5, revision = $6
        WHERE scope = $1 AND id = $2 AND revision = $3`;
      const { id, revision: read } = write.event;
      return wrote(query(sql, id, read, write.attempts, write.notBeforeMs, revision));
    }
    case "removeEvent": {
      const sql = "DELETE FROM thaw.events WHERE scope = $1 AND id = $2 AND revision = $3";
      return wrote(query(sql, write.event.id, write.event.revision));
    }
  }
}

function carryOutDelivery(write: DeliveryWrite, query: Query, revision: Revision): Promise<boolean> {
  switch (write.op) {
    case "addDelivery": {
      const { body, attempts, notBeforeMs, ...doc } = write.delivery;
      const sql = `INSERT INTO thaw.deliveries (scope, destination, doc, body, attempts, not_before_ms, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7)`;
      const values: readonly Value[] = [JSON.stringify(doc), Buffer.from(body), attempts, notBeforeMs, revision];
      return wrote(query(sql, doc.destination, ...values));
    }
    case "postponeDelivery": {
      const sql = `UPDATE thaw.deliveries SET attempts = attempts + 1, not_before_ms = $4, revision = $5
        WHERE scope = $1 AND id = $2 AND revision = $3`;
      return wrote(query(sql, write.delivery.id, write.delivery.revision, write.notBeforeMs, revision));
    }
    case "removeDelivery": {
      const sql = "DELETE FROM thaw.deliveries WHERE scope = $1 AND id = $2 AND revision = $3";
      return wrote(query(sql, write.delivery.id, write.delivery.revision));
    }
  }
}

/** What belongs to something that is not there is dropped. */
async function note(write: NoteWrite, query: Query): Promise<void> {
  if (write.op === "putUse") {
    const { functionName, version, usedAtMs } = write.use;
    const sql = `INSERT INTO thaw.version_uses (scope, function_name, version, used_at_ms)
      SELECT scope, function_name, version, $4::bigint FROM thaw.versions
      WHERE scope = $1 AND function_name = $2 AND version = $3
      ON CONFLICT (scope, function_name, version) DO UPDATE SET used_at_ms = excluded.used_at_ms`;
    await query(sql, functionName, version, usedAtMs);
    return;
  }
  const { kind, functionName, key, tries } = write.work;
  if (tries === 0) {
    const sql = "DELETE FROM thaw.unfinished WHERE scope = $1 AND kind = $2 AND function_name = $3 AND key = $4";
    await query(sql, kind, functionName, key);
    return;
  }
  const sql = `INSERT INTO thaw.unfinished (scope, kind, function_name, key, tries)
    SELECT scope, $2::text, name, $4::text, $5::bigint FROM thaw.functions WHERE scope = $1 AND name = $3
    ON CONFLICT (scope, kind, function_name, key) DO UPDATE SET tries = excluded.tries`;
  await query(sql, kind, functionName, key, tries);
}

/** Where each kind of document is in the database: its table, and the columns of its key. */
import type { AccountEntryKind, DocumentKind, DocumentWrite, SettingKind } from "../ports/metadata-store.ts";

export interface Table {
  readonly name: string;
  readonly keys: readonly string[];
}

/** Kinds with a table of their own. */
export const TABLES: Readonly<Record<Exclude<DocumentKind, SettingKind | AccountEntryKind>, Table>> = {
  function: { name: "functions", keys: ["name"] },
  version: { name: "versions", keys: ["function_name", "version"] },
  alias: { name: "aliases", keys: ["function_name", "name"] },
  provisioned: { name: "provisioned", keys: ["function_name", "qualifier"] },
};
export const SETTINGS: Table = { name: "settings", keys: ["kind", "function_name", "qualifier"] };
export const ACCOUNT_ENTRIES: Table = { name: "account_entries", keys: ["kind", "id"] };

/** Place before every version in the list of all: no function has an empty name. */
export const BEFORE_ALL_VERSIONS = { functionName: "", number: 0 };

/** The condition that a row of the table has a key. */
export function isKeyOf({ keys }: Table): string {
  return keys.map((key) => `${key} = ?`).join(" AND ");
}

/** A record's place: its table, and its values for the columns of the table's key. */
export interface Place {
  readonly table: Table;
  readonly keys: readonly string[];
  /** The function that it belongs to; null where it belongs to none, and for functions themselves. */
  readonly owner: string | null;
}

/** Says where a record is to be written. */
export function placeOf({ kind, record }: DocumentWrite): Place {
  switch (kind) {
    case "function":
      return { table: TABLES.function, keys: [record.name], owner: null };
    case "version":
      return { table: TABLES.version, keys: [record.functionName, record.version], owner: record.functionName };
    case "alias":
      return { table: TABLES.alias, keys: [record.functionName, record.name], owner: record.functionName };
    case "provisioned":
      return { table: TABLES.provisioned, keys: [record.functionName, record.qualifier], owner: record.functionName };
    default:
      if ("id" in record) return { table: ACCOUNT_ENTRIES, keys: [kind, record.id], owner: null };
      return { table: SETTINGS, keys: [kind, record.functionName, record.qualifier], owner: record.functionName };
  }
}

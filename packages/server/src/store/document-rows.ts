/** Documents in their rows: JSON, beside a revision in a column of its own. */
import type { DocumentKind, Documents, Revision, Stored } from "../ports/metadata-store.ts";

/** Columns of a row. */
export interface DocumentRow {
  readonly doc: string;
  readonly revision: Revision;
}

/** Parses a document. Its revision is put into what was parsed: a copy would take as long as the parsing. */
export function toStored<T>({ doc, revision }: DocumentRow): Stored<T> {
  return Object.assign(JSON.parse(doc) as T & object, { revision });
}

/** Null where there is no row. */
export function toStoredOrNull<T>(row: DocumentRow | undefined): Stored<T> | null {
  return row === undefined ? null : toStored(row);
}

/** The revision has a column of its own; a record that was read carries it along. */
export function toDocument(record: Documents[DocumentKind]): string {
  return JSON.stringify({ ...record, revision: undefined });
}

/** A consistent copy of the metadata while a server writes to it, and what a copy says of itself. */
import { backup, DatabaseSync } from "node:sqlite";

export interface DatabaseFacts {
  readonly format: number;
  /** Code directories that its versions name. */
  readonly codeNames: readonly string[];
}

export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    source.exec("PRAGMA busy_timeout = 10000");
    // All pages in one step: the copy is one moment, however much is written meanwhile.
    await backup(source, to, { rate: 2 ** 30 });
  } finally {
    source.close();
  }
}

/** Throws where the file is damaged. */
export function readDatabaseFacts(path: string): DatabaseFacts {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const check = db.prepare("PRAGMA quick_check").get() as { quick_check: string };
    if (check.quick_check !== "ok") throw new Error(`${path}: ${check.quick_check}`);
    const { user_version: format } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    const rows = db
      .prepare("SELECT DISTINCT json_extract(doc, '$.code.codeName') AS name FROM versions")
      .all() as Array<{ name: string | null }>;
    return { format, codeNames: rows.flatMap(({ name }) => (name === null ? [] : [name])) };
  } finally {
    db.close();
  }
}

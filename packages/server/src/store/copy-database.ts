/** A consistent copy of the metadata while a server writes to it, and what a copy says of itself. */
import { backup, DatabaseSync } from "node:sqlite";

/** The layers of a version are its own, whether or not they are still listed. A file of an older Thaw has none. */
const CODE_NAMES = `
  SELECT json_extract(doc, '$.code.codeName') AS name FROM versions
  UNION SELECT json_extract(layer.value, '$.codeName') FROM versions, json_each(versions.doc, '$.config.layers') AS layer`;
/** The first format with the table. */
const LAYERS_SINCE = 5;
const LAYER_CODE_NAMES = `
  UNION SELECT json_extract(doc, '$.code.codeName') AS name FROM account_entries WHERE kind = 'layerVersion'`;

export interface DatabaseFacts {
  readonly format: number;
  /** Code directories that versions of functions and of layers name. */
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
    checkWhole(db, path);
    const { user_version: format } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    const rows = db.prepare(format < LAYERS_SINCE ? CODE_NAMES : `${CODE_NAMES} ${LAYER_CODE_NAMES}`).all() as Array<{
      name: string | null;
    }>;
    return { format, codeNames: rows.flatMap(({ name }) => (name === null ? [] : [name])) };
  } finally {
    db.close();
  }
}

/** The files that an index of objects names, as paths. Throws where the index is damaged. */
export function readContentPaths(path: string): readonly string[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    checkWhole(db, path);
    const rows = db.prepare("SELECT file FROM pieces UNION ALL SELECT file FROM parts").all() as Array<{
      file: string;
    }>;
    return rows.map(({ file }) => `${file.slice(0, 2)}/${file.slice(3)}`);
  } finally {
    db.close();
  }
}

function checkWhole(db: DatabaseSync, path: string): void {
  const check = db.prepare("PRAGMA quick_check").get() as { quick_check: string };
  if (check.quick_check !== "ok") throw new Error(`${path}: ${check.quick_check}`);
}

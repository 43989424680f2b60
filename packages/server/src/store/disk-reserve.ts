/** A file that keeps a little of the disk free for the moment when nothing else of it is. */
import { rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ThawError } from "../model/platform-errors.ts";

/** Some hundred pages of the database's log: enough to remove a function with many versions. */
const SIZE_BYTES = 4 * 1024 * 1024;

export class StoreFullError extends ThawError<"STORE_FULL"> {
  constructor(cause: unknown) {
    super("STORE_FULL", { cause });
  }
}

export class DiskReserve {
  readonly #path: string;
  #isHeld = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the room, where it is not taken yet and there is some. */
  hold(): void {
    if (this.#isHeld) return;
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.size !== SIZE_BYTES) {
        // Asked first: on a full disk each commit comes here, and to write in vain takes milliseconds.
        if (!this.#hasRoom()) return;
        writeFileSync(this.#path, Buffer.alloc(SIZE_BYTES, 1), { mode: 0o600 });
      }
      this.#isHeld = true;
    } catch {
      // The next commit tries again; what was written of it is given back.
      rmSync(this.#path, { force: true });
    }
  }

  #hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    return bavail * bsize > SIZE_BYTES;
  }

  release(): void {
    rmSync(this.#path, { force: true });
    this.#isHeld = false;
  }
}

/** SQLITE_FULL, and what SQLite says where a file beside the database can't grow: SQLITE_IOERR_WRITE, _SHMSIZE. */
const FULL_CODES: ReadonlySet<unknown> = new Set([13, 778, 4874]);

/** Whether an error of SQLite says that the disk is full. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && FULL_CODES.has(error.errcode);
}

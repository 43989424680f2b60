/**
 * The far store of snapshots: objects by key, which any host of the installation reads and writes. Owned by
 * snapshots/far, which lays out the keys and checks all that it reads; implemented in snapshot-stores/.
 *
 * A store is trusted with nothing but to keep: what it holds is sealed and named by content. Each call ends by its
 * signal.
 */
import { type PlatformCode, ThawError } from "../model/platform-errors.ts";

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Tag that changes with the content. */
  readonly tag: string;
}

export interface SnapshotStore {
  /** Name for messages, without credentials. */
  readonly name: string;
  /**
   * Writes an object, in place of one that was there. It is durable when this resolves; a reader sees it whole or not
   * at all.
   */
  put(key: string, content: Buffer, signal: AbortSignal): Promise<void>;
  /** Writes an object that is not there yet. False where there is one already, which then stays. */
  putNew(key: string, content: Buffer, signal: AbortSignal): Promise<boolean>;
  /** Reads the first `sizeBytesMax` bytes, or all of an object; null where there is none. */
  get(key: string, sizeBytesMax: number, signal: AbortSignal): Promise<Buffer | null>;
  has(key: string, signal: AbortSignal): Promise<boolean>;
  /** Removes an object. Does nothing where there is none. */
  remove(key: string, signal: AbortSignal): Promise<void>;
  /** Lists objects whose keys begin with `prefix`; those put before the call are among them. */
  list(prefix: string, signal: AbortSignal): Promise<StoredObject[]>;
  close(): void;
}

/**
 * Codes of a store that fails. UNAVAILABLE may work a moment later; REFUSED not before somebody changes its settings.
 */
type StoreProblem = Extract<PlatformCode, "STORE_UNAVAILABLE" | "STORE_REFUSED">;

export class SnapshotStoreError extends ThawError<StoreProblem> {
  constructor(code: StoreProblem, detail: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(code, { detail, cause });
  }
}

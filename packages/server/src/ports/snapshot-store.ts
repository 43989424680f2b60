/**
 * The far store of snapshots: objects by key, which any host of the installation reads and writes. Owned by engines/criu, which
 * lays out the keys and checks all that it reads; implemented in snapshot-stores/.
 *
 * A store is trusted with nothing but to keep: what it holds is sealed and named by content. Each call ends by its signal.
 */
import { type PlatformCode, ThawError } from "../model/platform-errors.ts";

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Changes with the content. */
  readonly tag: string;
}

export interface SnapshotStore {
  /** For messages. No credentials. */
  readonly name: string;
  /** Durable when it resolves, and whole or not there for a reader; replaces what was there. */
  put(key: string, content: Buffer, signal: AbortSignal): Promise<void>;
  /** False where there is such an object already, which then stays. */
  putNew(key: string, content: Buffer, signal: AbortSignal): Promise<boolean>;
  /** The first `sizeBytesMax` bytes, or all of it; null where there is no such object. */
  get(key: string, sizeBytesMax: number, signal: AbortSignal): Promise<Buffer | null>;
  has(key: string, signal: AbortSignal): Promise<boolean>;
  /** Nothing to do where there is none. */
  remove(key: string, signal: AbortSignal): Promise<void>;
  /** Of all keys that begin with `prefix`; what was put before the call is among them. */
  list(prefix: string, signal: AbortSignal): Promise<StoredObject[]>;
  close(): void;
}

/** UNAVAILABLE: it may work a moment later. REFUSED: not before somebody changes its settings. */
type StoreProblem = Extract<PlatformCode, "STORE_UNAVAILABLE" | "STORE_REFUSED">;

export class SnapshotStoreError extends ThawError<StoreProblem> {
  constructor(code: StoreProblem, detail: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(code, { detail, cause });
  }
}

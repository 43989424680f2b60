/**
 * Unwrapped data keys, kept for a while: a cold invoke does not wait for a key service, and a disabled key is noticed
 * soon.
 */
import type { Clock } from "../base/clock.ts";
import type { SnapshotId } from "../base/ids.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import type { SnapshotKey } from "../ports/snapshots.ts";

export class DataKeys {
  readonly #provider: KeyProvider;
  readonly #clock: Clock;
  readonly #keptMs: number;
  readonly #kept = new Map<
    SnapshotId,
    { readonly wrapped: string; readonly plaintext: Buffer; readonly untilMs: number }
  >();

  constructor(provider: KeyProvider, clock: Clock, keptMs: number) {
    this.#provider = provider;
    this.#clock = clock;
    this.#keptMs = keptMs;
  }

  async generate(
    keyArn: string | null,
    snapshotId: SnapshotId,
  ): Promise<{ readonly plaintext: Buffer; readonly key: SnapshotKey }> {
    const { plaintext, wrapped } = await this.#provider.generate(keyArn, snapshotId);
    return { plaintext, key: { keyArn, wrapped } };
  }

  async unwrap(snapshotId: SnapshotId, key: SnapshotKey): Promise<Buffer> {
    const nowMs = this.#clock.monotonicMs();
    const kept = this.#kept.get(snapshotId);
    if (kept !== undefined && kept.wrapped === key.wrapped && kept.untilMs > nowMs) return kept.plaintext;
    const plaintext = await this.#provider.unwrap(key.keyArn, snapshotId, key.wrapped);
    this.#kept.set(snapshotId, { wrapped: key.wrapped, plaintext, untilMs: nowMs + this.#keptMs });
    return plaintext;
  }

  forget(snapshotId: SnapshotId): void {
    this.#kept.delete(snapshotId);
  }
}

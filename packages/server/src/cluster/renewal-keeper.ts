/** Renews the certificate of a worker while it runs. */
import type { Clock } from "../base/clock.ts";
import { isRenewalDue, renewIdentity } from "./join-client.ts";
import type { WorkerIdentity } from "./worker-identity.ts";

/** A hundred tries in the month before a certificate ends. */
const LOOK_EVERY_MS = 6 * 3_600_000;

export interface RenewalKeeperOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Told of each new identity, which is in the data directory already. */
  readonly onRenewed: (identity: WorkerIdentity) => void;
  /** Told of each try that failed. */
  readonly onProblem: (what: string, error: unknown) => void;
}

export class RenewalKeeper {
  readonly #options: RenewalKeeperOptions;
  #identity: WorkerIdentity;
  #isClosed = false;
  #stopWaiting = (): void => undefined;

  /** Looks at once, and then every six hours until it is closed. */
  constructor(identity: WorkerIdentity, options: RenewalKeeperOptions) {
    this.#identity = identity;
    this.#options = options;
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWaiting();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { dataDir, clock, onRenewed, onProblem } = this.#options;
    if (isRenewalDue(this.#identity, clock.nowMs()))
      try {
        this.#identity = await renewIdentity(dataDir, this.#identity, clock);
        if (!this.#isClosed) onRenewed(this.#identity);
      } catch (error) {
        onProblem("renew the certificate of this worker", error);
      }
    if (!this.#isClosed) this.#stopWaiting = clock.after(LOOK_EVERY_MS, () => void this.#look());
  }
}

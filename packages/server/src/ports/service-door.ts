/**
 * The service door: addresses at which functions answer the server, each for one answer. Inside a sandbox they are
 * `https://host.thaw.internal/…`, at the port that programs ask without being told one. Owned by stacks/, implemented
 * in door/.
 */
export interface ServiceDoor {
  /**
   * Opens an address. `key` determines it, so that whoever asks again after a restart has the same one. Null where
   * functions of this host have no network.
   */
  open(key: string): OpenAddress | null;
}

export interface OpenAddress {
  readonly url: string;
  /** Resolves with the first body that is sent there, cut after `ANSWER_BYTES_MAX` + 1. It never rejects. */
  readonly answer: Promise<Buffer>;
  /** From now on nobody is listened to. */
  close(): void;
}

/** As CloudFormation: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
export const ANSWER_BYTES_MAX = 4096;

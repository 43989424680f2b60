/** The master keys that this installation holds itself, for its operator. */
export interface LocalKey {
  /** ARN; null: the installation's own key, for functions without a KMSKeyArn. */
  readonly arn: string | null;
  readonly state: "Enabled" | "Disabled";
}

/** Administration of keys. Each call is durable when it returns. Throws an ApiError when it can't be done. */
export interface KeyAdmin {
  list(): readonly LocalKey[];
  create(arn: string): void;
  setState(arn: string | null, state: LocalKey["state"]): void;
  /** Removes a key for good: nobody can read any more what was sealed with it. */
  remove(arn: string): void;
}

/** The master keys that this installation holds itself, for its operator. */
export interface LocalKey {
  /** Null: the installation's own key, for functions without a KMSKeyArn. */
  readonly arn: string | null;
  readonly state: "Enabled" | "Disabled";
}

/** Each call is durable when it returns, and throws an ApiError where it can't be done. */
export interface KeyAdmin {
  list(): readonly LocalKey[];
  create(arn: string): void;
  setState(arn: string | null, state: LocalKey["state"]): void;
  /** For good: what was sealed with it can't be read by anybody any more. */
  remove(arn: string): void;
}

/** Repositories of ECR, which are recorded: no image is in them. */
export interface RepositoryRecord {
  /** Its name. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly tagMutability: "MUTABLE" | "IMMUTABLE";
  readonly isScannedOnPush: boolean;
  /** Null: none. */
  readonly lifecyclePolicy: string | null;
  readonly policy: string | null;
}

/** Parameters of Systems Manager. */

export interface ParameterRecord {
  /** The name, which is case-sensitive. */
  readonly id: string;
  readonly type: "String" | "StringList" | "SecureString";
  /** The newest. */
  readonly version: number;
  /** Those that are kept, the oldest first. */
  readonly versions: readonly ParameterVersionInfo[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface ParameterVersionInfo {
  readonly version: number;
  readonly description: string;
  readonly tier: "Standard" | "Advanced";
  /** What was given as KeyId of a SecureString; null for the others. */
  readonly keyId: string | null;
  readonly labels: readonly string[];
  readonly modifiedMs: number;
  /** ARN of who put it. */
  readonly modifiedBy: string;
}

/** The value of a version; written and removed with it. */
export interface ParameterValueRecord {
  /** The parameter's name, a colon and the version: no name has a colon. */
  readonly id: string;
  /** As it was given, or sealed. */
  readonly value: string;
  /** The key that a SecureString is sealed with, wrapped; null: the value is not sealed. */
  readonly wrappedKey: string | null;
  /** ARN of the key that wraps it; null: the keyring's default one. */
  readonly keyArn: string | null;
}

export function valueId(name: string, version: number): string {
  return `${name}:${version}`;
}

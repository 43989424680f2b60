/**
 * The rules of `thaw scan`. docs/reference/scan-rules.md has the same table with an example for each language; its test
 * compares them both ways. An id is never reused: it is in people's `thaw-ignore` comments.
 */
export type Severity = "error" | "warning" | "note";

export interface Rule {
  readonly id: string;
  /** error: clones are wrong. warning: wrong for some uses or after some time. note: worth a look. */
  readonly severity: Severity;
  readonly title: string;
  /** Why it is a hazard, to follow "X keeps Y: ". */
  readonly reason: string;
  readonly cure: string;
}

const IN_HANDLER = "Make it in the handler, or in an after-restore hook.";

export const RULES: readonly Rule[] = [
  {
    id: "random-value",
    severity: "error",
    title: "A random value is drawn at Init and kept",
    reason: "every clone of the snapshot has the same value",
    cure: IN_HANDLER,
  },
  {
    id: "random-generator",
    severity: "error",
    title: "A random generator in user memory is kept",
    reason: "its state is in the snapshot, so every clone draws the same numbers",
    cure: "Use the system's generator (SecureRandom, SystemRandom, node:crypto), or make the generator in the handler or an after-restore hook.",
  },
  {
    id: "seed",
    severity: "error",
    title: "A random generator is seeded at Init",
    reason: "every clone goes on from the same seed and draws the same numbers",
    cure: "Seed it again in an after-restore hook, or use the system's generator.",
  },
  {
    id: "identifier",
    severity: "error",
    title: "A unique identifier is made at Init and kept",
    reason: "every clone of the snapshot has the same identifier",
    cure: IN_HANDLER,
  },
  {
    id: "generated-key",
    severity: "error",
    title: "A cryptographic key, salt or initialisation vector is made at Init and kept",
    reason: "every clone shares it, and it lies in the snapshot",
    cure: `${IN_HANDLER} A key that clones must share belongs into a secret store.`,
  },
  {
    id: "timestamp",
    severity: "warning",
    title: "The time of Init is kept",
    reason: "a clone may be restored days later, and still sees this time",
    cure: "Read the clock in the handler, or set it again in an after-restore hook.",
  },
  {
    id: "host-identity",
    severity: "warning",
    title: "The identity of the host or environment is read at Init and kept",
    reason:
      "host name, process id and log stream are those of the environment that was snapshotted, the same in every clone",
    cure: "Make a random identity of the clone in an after-restore hook. AWS_LAMBDA_LOG_STREAM_NAME is not set in a function with SnapStart.",
  },
  {
    id: "secret",
    severity: "warning",
    title: "A secret, token or credential is read once at Init and kept",
    reason: "it lies in the snapshot and is old after its rotation or expiry",
    cure: "Read it in the handler through a cache with a time to live, or again in an after-restore hook.",
  },
  {
    id: "connection",
    severity: "warning",
    title: "A network connection is opened at Init and kept",
    reason: "it is cut in every clone; the first use after a restore fails",
    cure: "Connect in the handler or an after-restore hook, or use a pool that checks a connection before it lends it.",
  },
  {
    id: "resolved-address",
    severity: "warning",
    title: "A host name is resolved at Init and the address kept",
    reason: "the address may belong to someone else when the clone is restored",
    cure: "Give the host name to the client, which resolves it when it connects.",
  },
  {
    id: "temp-file",
    severity: "note",
    title: "A temporary file is made at Init and kept",
    reason: "its name and content are the same in every clone, and what is open at Init stays open in the snapshot",
    cure: "Make temporary files in the handler; a name that leaves the environment must be unique in each clone.",
  },
];

export function ruleOf(id: string): Rule | undefined {
  return RULES.find((rule) => rule.id === id);
}

/**
 * Platform errors: what went wrong in Thaw itself, not in a function and not in a request. One table says what each
 * code means to everybody who meets it; docs/reference/errors.md is generated from it (`node
 * tools/generate-errors.ts`).
 */
import { PROGRAM } from "@thaw/installation";

interface PlatformErrorEntry {
  /**
   * Text for the client: says what to do and shows no internals. Null: written where it is thrown, since it names
   * something.
   */
  readonly message: string | null;
  /** Cause and remedy for the operator's reference, in Markdown. */
  readonly meaning: string;
  readonly remedy: string;
  /** True where the same call may succeed a moment later. */
  readonly transient: boolean;
  /** AWS's StateReasonCode of a version whose publication ended with this code. */
  readonly stateReasonCode: string;
  /** AWS's exception that answers an Invoke which ended with this code. */
  readonly apiError:
    | "ServiceException"
    | "KMSAccessDeniedException"
    | "KMSDisabledException"
    | "KMSInvalidStateException"
    | "KMSNotFoundException";
}

const INTERNAL = { stateReasonCode: "InternalError", apiError: "ServiceException" } as const;
const HOST_FAILED = "The host could not run the execution environment.";
const REPORT = "a fault of Thaw: report it";
const LOG = "the server's log has the details";
const KEY_SETTINGS = "the key service, the function's `KMSKeyArn`";
const REINITIALISED = "nothing: the version is initialised again";

export const PLATFORM_ERRORS = {
  SANDBOX_BAD_REQUEST: {
    message: HOST_FAILED,
    meaning: "sandboxd refused a request: its arguments",
    remedy: REPORT,
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_UNKNOWN: {
    message: HOST_FAILED,
    meaning: "sandboxd refused a request: no such sandbox or snapshot",
    remedy: REPORT,
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_EXISTS: {
    message: HOST_FAILED,
    meaning: "sandboxd refused a request: there is such a sandbox or snapshot already",
    remedy: REPORT,
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_NO_CRIU: {
    message: `This host can't take snapshots: CRIU 4.2.1 or newer is missing. Run: ${PROGRAM} doctor`,
    meaning: "no usable CRIU",
    remedy: "`npm run setup`, `npx thaw doctor`",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_SNAPSHOT_FAILED: {
    message: "The execution environment could not be saved.",
    meaning: "what CRIU wrote can't be understood, or the host failed while it wrote",
    remedy: "the server's log has the details",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_SNAPSHOT_REFUSED: {
    message: null,
    meaning: "the function holds something that CRIU can't save; the message names what, and what to do",
    remedy: "as the message says; the server's log has CRIU's last lines",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_SNAPSHOT_TOO_LARGE: {
    message:
      "The execution environment could not be saved: it has too many files in /tmp, or its memory is in too many pieces.",
    meaning: "a snapshot has more to describe than its manifest may hold",
    remedy:
      "fewer files, links and extended attributes in `/tmp` at the end of Init; the server's log says which limit",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_SNAPSHOT_DAMAGED: {
    message: "The snapshot is damaged. The version is initialised again.",
    meaning: "a file of the snapshot has changed; it is never restored",
    remedy: REINITIALISED,
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_RESTORE_FAILED: {
    message: "The snapshot could not be restored on this host.",
    meaning: "CRIU can't restore it on this host",
    remedy: "nothing: after the second time in a row the version is initialised again",
    transient: true,
    ...INTERNAL,
  },
  SANDBOX_RESTORE_TIMEOUT: {
    message: HOST_FAILED,
    meaning:
      "a chunk of the snapshot did not come from the far store in time, or the restore took over 10 s before any hook " +
      "was run; " +
      "an Invoke answers `SnapStartTimeoutException`",
    remedy: "the store, the host's load; try again",
    transient: true,
    ...INTERNAL,
  },
  SANDBOX_PAGER_LOST: {
    message: "The execution environment lost its memory. Try again.",
    meaning: "the pager ended, and with it the clones that were waiting for their memory; another one is started",
    remedy: "nothing; if it stays so, the server's log and the host's memory",
    transient: true,
    ...INTERNAL,
  },
  SANDBOX_PREPARED_TOO_LARGE: {
    message:
      "A restore of the execution environment needs more memory for its shared memory than this host sets aside " +
      "(thaw serve --prepared-memory-mib).",
    meaning:
      "the parts of the snapshot that a restore needs as files (shared memory and what CRIU writes; all memory with " +
      "`--memory eager`; `/tmp` where the host has no loop devices) are larger than their part of " +
      "`--prepared-memory-mib`",
    remedy:
      "less shared memory at the end of Init, or a larger `--prepared-memory-mib`; the server's log has both sizes",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_BUSY: {
    message: "The host is short of processes, memory or open files at this moment. Try again.",
    meaning:
      "the host could not start a process or thread, open a file, or give a restore its part of the memory for " +
      "prepared snapshots",
    remedy: "try again; if it stays so, the host's limits of processes and open files, and `--prepared-memory-mib`",
    transient: true,
    ...INTERNAL,
  },
  SANDBOX_DISK_FULL: {
    message: "The host's disk is full.",
    meaning: "no space for the snapshot",
    remedy: "make room, publish again",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_LOST: {
    message: "The sandbox helper of this host is not there. Start thaw serve again.",
    meaning: "the connection to sandboxd ended",
    remedy: "start the server again",
    transient: false,
    ...INTERNAL,
  },
  SANDBOX_FAILED: {
    message: HOST_FAILED,
    meaning: "anything else on the host, and codes of sandboxd that this server does not know",
    remedy: LOG,
    transient: false,
    ...INTERNAL,
  },
  SUPERVISOR_LOST: {
    message: "The connection to the execution environment's supervisor ended.",
    meaning: "the environment's supervisor ended",
    remedy: "the environment is gone; the next invoke has a new one",
    transient: true,
    ...INTERNAL,
  },
  SUPERVISOR_PROTOCOL: {
    message: "The execution environment's supervisor broke its protocol.",
    meaning: "the environment's supervisor spoke nonsense",
    remedy: "the environment is gone; the next invoke has a new one",
    transient: true,
    ...INTERNAL,
  },
  KMS_ACCESS_DENIED: {
    message:
      "Lambda was unable to decrypt the snapshot because KMS access was denied. Check the function's KMS key settings.",
    meaning: "the key that the snapshot's key is wrapped with may not be used by the server",
    remedy: KEY_SETTINGS,
    transient: false,
    stateReasonCode: "KMSKeyAccessDenied",
    apiError: "KMSAccessDeniedException",
  },
  KMS_DISABLED: {
    message:
      "Lambda was unable to decrypt the snapshot because the KMS key used is disabled. " +
      "Check the function's KMS key settings.",
    meaning: "that key is disabled",
    remedy: KEY_SETTINGS,
    transient: false,
    stateReasonCode: "DisabledKMSKey",
    apiError: "KMSDisabledException",
  },
  KMS_INVALID_STATE: {
    message:
      "Lambda was unable to decrypt the snapshot because the KMS key used is in an invalid state. " +
      "Check the function's KMS key settings.",
    meaning: "that key can't be used, or is not the one that wrapped the snapshot's key",
    remedy: KEY_SETTINGS,
    transient: false,
    stateReasonCode: "InvalidStateKMSKey",
    apiError: "KMSInvalidStateException",
  },
  KMS_NOT_FOUND: {
    message:
      "Lambda was unable to decrypt the snapshot because the KMS key was not found. " +
      "Check the function's KMS key settings.",
    meaning: "there is no such key",
    remedy: KEY_SETTINGS,
    transient: false,
    stateReasonCode: "KMSKeyNotFound",
    apiError: "KMSNotFoundException",
  },
  KMS_UNAVAILABLE: {
    message: "The key service can't be reached. Try again.",
    meaning: "the key service does not answer",
    remedy: KEY_SETTINGS,
    transient: true,
    ...INTERNAL,
  },
  STORE_NO_USER_LEFT: {
    message: "This host has users for 65,536 functions, and all of them are in use. Delete a function first.",
    meaning: "each function runs as a user of its own; functions, and environments of deleted ones, have all of them",
    remedy: "delete functions",
    transient: false,
    ...INTERNAL,
  },
  STORE_FULL: {
    message: "The host's disk is full: nothing can be changed, but functions and versions can be deleted.",
    meaning: "the database could not be written",
    remedy: "delete functions or versions, stop environments (`thaw environments`), make room where `--data` is",
    transient: false,
    ...INTERNAL,
  },
  STORE_UNAVAILABLE: {
    message: "The snapshot store can't be reached. Try again.",
    meaning: "the snapshot store does not answer",
    remedy: "nothing; it is asked again. A publish: publish again",
    transient: true,
    ...INTERNAL,
  },
  STORE_REFUSED: {
    message: "The snapshot store refuses the server. Its operator has to check the bucket and the credentials.",
    meaning: "the snapshot store refuses the server: bucket, credentials, rights of the directory",
    remedy: "the settings in [snapshot-store.md](snapshot-store.md)",
    transient: false,
    ...INTERNAL,
  },
  STORE_FOREIGN: {
    message: null,
    meaning: "the snapshot store belongs to an installation with another secret",
    remedy: "a prefix of its own",
    transient: false,
    ...INTERNAL,
  },
  STORE_FORMAT_UNKNOWN: {
    message: null,
    meaning: "the data directory is of another version of Thaw",
    remedy: "use that version",
    transient: false,
    ...INTERNAL,
  },
  DATABASE_UNAVAILABLE: {
    message: "The database of the server can't be reached. Try again.",
    meaning:
      "PostgreSQL, or PgBouncer before it, does not answer, or takes no writes; what was being written may be there",
    remedy: "the database; it is asked again by the next request, and accepted events run within a minute",
    transient: true,
    ...INTERNAL,
  },
  DATABASE_TAKEN: {
    message: "Another server has taken over the database of this one, which stops.",
    meaning: "another server with the same data directory was started on the database, or this one was cut off",
    remedy: "one server for one database; start this one again when it is to be the one",
    transient: false,
    ...INTERNAL,
  },
  DATABASE_HELD: {
    message: null,
    meaning: "another server uses the database",
    remedy: "as the message says",
    transient: false,
    ...INTERNAL,
  },
  DATABASE_REFUSED: {
    message: null,
    meaning: "the database can't be used: see the message",
    remedy: "[postgresql.md](postgresql.md)",
    transient: false,
    ...INTERNAL,
  },
  PUBLISH_ENDS_SERVER: {
    message:
      "The server ended three times in a row while the snapshot of this version was made, and it is not tried again. " +
      "Change what the function's Init leaves in memory and in /tmp, and publish a new version.",
    meaning: "sandboxd or the server ended each time that the version's snapshot was made, the last two times alone",
    remedy: "report it, with the log of sandboxd's end; another version of the function may work",
    transient: false,
    ...INTERNAL,
  },
  WORKER_RUNTIME_MISSING: {
    message: null,
    meaning: "the host lacks the function's runtime",
    remedy: "the message names the command",
    transient: false,
    ...INTERNAL,
  },
  WORKER_NO_SNAPSHOTS: {
    message: null,
    meaning: "the host lacks an engine with snapshots",
    remedy: "the message names the command",
    transient: false,
    ...INTERNAL,
  },
  WORKER_SNAPSHOT_UNFIT: {
    message: "The snapshot was made with another runtime or on another kind of host, and is never restored here.",
    meaning: "the snapshot was made with another runtime, CRIU or CPU",
    remedy: REINITIALISED,
    transient: false,
    ...INTERNAL,
  },
  WORKER_TOO_LARGE: {
    message: null,
    meaning: "the function's memory is more than the host gives to all",
    remedy: "a larger `--memory-max-mib`, or less memory",
    transient: false,
    ...INTERNAL,
  },
  WORKER_ENVIRONMENT_LOST: {
    message: "The execution environment ended unexpectedly.",
    meaning: "the environment ended",
    remedy: `try again; ${LOG}`,
    transient: true,
    ...INTERNAL,
  },
  WORKER_CLOSING: {
    message: "The worker is shutting down.",
    meaning: "the server stops",
    remedy: "try again",
    transient: true,
    ...INTERNAL,
  },
  WORKER_UNREACHABLE: {
    message: "The worker on another host can't be reached. Nothing was run.",
    meaning: "a worker on another host can't be reached: nothing was asked of it",
    remedy: `try again; ${LOG}`,
    transient: true,
    ...INTERNAL,
  },
  WORKER_LOST: {
    message: "The worker on another host went away before it had answered. The function may have run.",
    meaning: "a worker on another host went away before it had answered: what was asked of it may have been done",
    remedy: `try again where the function may run twice; ${LOG}`,
    transient: true,
    ...INTERNAL,
  },
  WORKER_CONTENT_MISSING: {
    message: null,
    meaning: "a worker on another host lacks the function's code, and there is no package of it to send",
    remedy: "the function as a package instead of a container image; else " + REPORT,
    transient: false,
    ...INTERNAL,
  },
  WORKER_OTHER_PROTOCOL: {
    message: null,
    meaning: "a worker on another host is of a release that this one can't talk to",
    remedy: "the same release of Thaw on both hosts",
    transient: false,
    ...INTERNAL,
  },
  WORKER_ENGINE_FAILED: {
    message: "The execution environment could not be run. The server's log has the details.",
    meaning: "the engine failed in a way that has no code",
    remedy: `try again; ${LOG}`,
    transient: false,
    ...INTERNAL,
  },
} as const satisfies Readonly<Record<string, PlatformErrorEntry>>;

/** Code of a platform error: stable, and listed in docs/reference/errors.md. */
export type PlatformCode = keyof typeof PLATFORM_ERRORS;

/** Codes that sandboxd answers with. */
export type HostCode = Extract<PlatformCode, `SANDBOX_${string}`>;

/** Codes whose text says everything: those that need no words of the thrower. */
export type CodeWithMessage = {
  [Code in PlatformCode]: (typeof PLATFORM_ERRORS)[Code]["message"] extends string ? Code : never;
}[PlatformCode];

/** Reads a code that sandboxd sent; null where this server does not know it. */
export function parseHostCode(text: string): HostCode | null {
  return text.startsWith("SANDBOX_") && Object.hasOwn(PLATFORM_ERRORS, text) ? (text as HostCode) : null;
}

interface ThawErrorFacts {
  /** Flat facts for the log. */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Words that a code without a text of its own needs; others may have them where the thrower knows more. */
type ThawErrorOptions<Code extends PlatformCode> = ThawErrorFacts &
  (Code extends CodeWithMessage ? { readonly publicMessage?: string } : { readonly publicMessage: string });

/**
 * A platform error as it is thrown. `publicMessage` tells the user what to do; `detail` is for logs. The cause's text
 * is never repeated in the message.
 */
export abstract class ThawError<Code extends PlatformCode = PlatformCode> extends Error {
  readonly code: Code;
  readonly publicMessage: string;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: Code, options: ThawErrorOptions<Code>) {
    const publicMessage = options.publicMessage ?? PLATFORM_ERRORS[code].message ?? "";
    super(publicMessage, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.publicMessage = publicMessage;
    this.detail = options.detail ?? {};
  }

  /** True where the same call may succeed a moment later. */
  get transient(): boolean {
    return PLATFORM_ERRORS[this.code].transient;
  }
}

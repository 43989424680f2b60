/**
 * The connection to the supervisor inside a sandbox: processes started, their output, and every HTTP call that they
 * make to the Runtime API. Knows no Lambda rules. Wire form: docs/formats/supervisor-protocol.md.
 */
import type { Duplex } from "node:stream";
import type { Body, BodyPipe } from "../base/body.ts";
import { ThawError } from "../model/platform-errors.ts";

/** The reader's side of a call's body. */
export type CallBody = Body & Pick<BodyPipe, "keep" | "stream" | "fail">;

export interface RuntimeCall {
  readonly id: number;
  readonly method: string;
  /** Path and query string, as sent. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body, which comes in pieces after the head. Its end tells the length that was really sent. */
  readonly body: CallBody;
  /** Fields that came after the body, names in lower case. None before the body has ended. */
  readonly trailers: ReadonlyMap<string, string>;
  /** True once the client closed its connection without an answer. */
  readonly isAbandoned: boolean;
  /** Answers once; a second call, or one after the call was abandoned, does nothing. */
  respond(status: number, headers: Readonly<Record<string, string>>, body: string | Buffer): void;
  /** Closes the client's connection without an answer. */
  abort(): void;
}

export interface ProcessExit {
  readonly name: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: number | null;
}

export interface SpawnRequest {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /**
   * The descriptor on which the process is to find a pipe for log records, and the variable that tells it the number.
   * A supervisor from before there were such pipes leaves out both.
   */
  readonly records?: { readonly fd: number; readonly variable: string };
}

/**
 * What is there under the name of a program that could not be started; null: the supervisor is older and did not look.
 * `head`: up to 256 bytes of its beginning, null where they can't be read. From inside the sandbox: the function's.
 */
export interface ProgramFound {
  readonly kind: "missing" | "link" | "directory" | "file" | "other";
  /** Permission bits of a file. */
  readonly mode: number;
  readonly head: Buffer | null;
}

/** A program that could not be started. */
export class SpawnFailedError extends Error {
  /** The errno's name. */
  readonly code: string;
  readonly program: ProgramFound | null;
  /** True where the code is of the working directory, which could not be entered: the program was not tried. */
  readonly isDirectoryWrong: boolean;

  constructor(code: string, program: ProgramFound | null = null, isDirectoryWrong = false) {
    super(`the program could not be started: ${code}`);
    this.code = code;
    this.program = program;
    this.isDirectoryWrong = isDirectoryWrong;
  }
}

/** The connection has ended: whatever was asked for may have happened or not. */
export class SupervisorLostError extends ThawError {
  constructor(cause?: unknown) {
    super("SUPERVISOR_LOST", { cause });
  }
}

/** A pipe that a process writes to; `records` is the one that a spawn may ask for. */
export type OutputStream = "stdout" | "stderr" | "records";

/** The one listener of a link. Events come in order; those before `listen` are kept for it. */
export interface SupervisorListener {
  /** Told at the head of the call; its body may not be there yet. */
  onCall(call: RuntimeCall): void;
  /** Told when the client closed its connection before it was answered; the body has ended, whole or not. */
  onAbandoned(call: RuntimeCall): void;
  onLog(source: string, stream: OutputStream, bytes: Buffer): void;
  onExit(exit: ProcessExit): void;
  /** Told when the connection ended and was not parked by us. */
  onLost(): void;
}

/** A request to a listener of the function on its loopback. */
export interface OutwardRequest {
  readonly port: number;
  readonly method: string;
  /** Path and query string. */
  readonly path: string;
  /** JSON. */
  readonly body: Buffer;
  /** Ends it before the head of the answer has come. */
  readonly signal: AbortSignal;
}

/** A TCP connection to a listener of the function on its loopback. */
export interface OutwardConnection {
  /** Resolves when the bytes are in the listener's socket; rejects when the connection has ended. */
  write(bytes: Buffer): Promise<void>;
  close(): void;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface SupervisorLink {
  /** Processes that were already there at the connection (after a restore); none after a reset. */
  readonly processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>;
  listen(listener: SupervisorListener): void;
  /** Rejects with SpawnFailedError when the program can't be started. */
  spawn(request: SpawnRequest): Promise<{ readonly pid: number }>;
  signal(name: string, signal: number): void;
  /**
   * Lists a directory of the sandbox, at most 256 entries, sorted. Empty where it is not there, or where the supervisor
   * is from before it could.
   */
  list(path: string): Promise<readonly DirectoryEntry[]>;
  /**
   * Text that `keep` left in the supervisor before the snapshot; null where there is none. It comes from inside the
   * sandbox.
   */
  readonly kept: string | null;
  /** Leaves a text of at most 64 KiB in the supervisor, and so in the snapshot. */
  keep(text: string): void;
  /**
   * Sends an HTTP request to a listener of the function. Returns the status of the answer; rejects when none came.
   */
  post(request: OutwardRequest): Promise<number>;
  /** Connects to a listener of the function. A connection does not outlive `park`. */
  connect(port: number): OutwardConnection;
  /**
   * The same, both ways: what the listener says is kept up to some MiB until it is read. Rejects where nobody listens.
   */
  tunnel(port: number): Promise<Duplex>;
  /**
   * Kills all processes of the sandbox, orphans too, and forgets their calls and what was kept. Resolves when none is
   * left, with the news of their ends told before; false where the supervisor is from before it could, and nothing was
   * done.
   */
  reset(): Promise<boolean>;
  /** Hangs up; calls in flight stay parked inside. Returns their ids. */
  park(): Promise<readonly number[]>;
  close(): void;
}

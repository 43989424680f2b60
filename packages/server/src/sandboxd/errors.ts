import { PROGRAM } from "@thaw/installation";
import { ThawError } from "../base/errors.ts";

/** sandboxd refused or failed. `hostCode` is its own code (`SANDBOX_…`); the message is for operators and goes to the log. */
export class SandboxError extends ThawError {
  readonly code: string;

  constructor(hostCode: string, hostMessage: string) {
    super({ publicMessage: publicMessageOf(hostCode), detail: { hostMessage } });
    this.code = hostCode;
  }
}

const PUBLIC_MESSAGES: Readonly<Record<string, string>> = {
  SANDBOX_NO_CRIU: `This host can't take snapshots: CRIU 4.2.1 or newer is missing. Run: ${PROGRAM} doctor`,
  SANDBOX_SNAPSHOT_FAILED:
    "The execution environment could not be saved: it holds something that CRIU can't put into a snapshot.",
  SANDBOX_SNAPSHOT_DAMAGED: "The snapshot is damaged and was not restored. Publish a new version.",
  SANDBOX_RESTORE_FAILED: "The snapshot could not be restored on this host.",
  SANDBOX_PAGER_LOST: "The execution environment lost its memory. Try again.",
  SANDBOX_DISK_FULL: "The host's disk is full.",
  SANDBOX_LOST: "The sandbox helper of this host is not there. Start thaw serve again.",
};

function publicMessageOf(hostCode: string): string {
  return PUBLIC_MESSAGES[hostCode] ?? "The host could not run the execution environment.";
}

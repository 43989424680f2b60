/**
 * A gate for functions: they wait at it until the test opens it. So the test looks at a moment for as long as it needs,
 * on any machine. It is a directory that they see; those with SnapStart see none.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ACCESS_POINT } from "./access-point.ts";

const MOUNT = "/mnt/gate";

/** Of a Node.js module: resolves when the gate of that name is open. */
export const GATE_CODE = `
import { existsSync } from "node:fs";
const opened = async (name) => {
  // sleeps: a directory that the host writes to tells a sandbox nothing
  while (!existsSync("${MOUNT}/" + name)) await new Promise((next) => setTimeout(next, 10));
};
`;

export class Gate {
  readonly #dir = mkdtempSync(join(tmpdir(), "thaw-gate-"));
  /** Of the server. */
  readonly args: readonly string[] = ["--file-system", `${ACCESS_POINT}=${this.#dir}`];
  /** Of a function, which may wait for long. */
  readonly options = { FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: MOUNT }], Timeout: 240 };

  constructor() {
    chmodSync(this.#dir, 0o755);
  }

  open(name: string): void {
    writeFileSync(join(this.#dir, name), "");
  }

  /** When the server has ended. */
  remove(): void {
    rmSync(this.#dir, { recursive: true });
  }
}

/** The system's syncfs, which Node.js has no name for. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Makes all that was written to the file system of `path` durable. */
export async function syncFileSystem(path: string): Promise<void> {
  await run("sync", ["--file-system", path]);
}

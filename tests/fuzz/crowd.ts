/** A crowd of clients beside a test: see crowd-program.ts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface CrowdWish {
  readonly idle: number;
  readonly large: number;
  readonly largeBytes: number;
}

/** Carries out `work` while the crowd is there. */
export async function inCrowd<T>(endpoint: string, wish: CrowdWish, work: () => Promise<T>): Promise<T> {
  const numbers = [wish.idle, wish.large, wish.largeBytes].map(String);
  const program = join(import.meta.dirname, "crowd-program.ts");
  const args = ["--disable-warning=ExperimentalWarning", program, endpoint, ...numbers];
  const crowd = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(crowd, "exit");
  try {
    const ended = exited.then(() => Promise.reject(new Error("the crowd ended")));
    await Promise.race([once(crowd.stdout, "data"), ended]);
    ended.catch(() => undefined);
    return await work();
  } finally {
    crowd.kill("SIGKILL");
    await exited;
  }
}

/** Work that is waited for only so long. */
import type { Clock } from "./clock.ts";

/** Null: it took longer, and runs to its end all the same. */
export async function inTime<T>(clock: Clock, work: Promise<T>, timeoutMs: number): Promise<T | null> {
  let stop = (): void => {};
  const late = new Promise<null>((done) => {
    stop = clock.after(timeoutMs, () => done(null));
  });
  // What it ends with then is nobody's.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    stop();
  }
}

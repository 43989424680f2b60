/** Waits that tell what they saw. The limit of a test, which ends them otherwise, says only that time is over. */

/** For what hangs, below the limit of a test. */
const LIMIT_MS = 120_000;

/** Rejects where it takes too long, with what `seen` says then. */
export async function inTime<T>(what: string, wanted: Promise<T>, seen: () => string, limitMs = LIMIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`never: ${what}. Seen: ${seen()}`)), limitMs);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

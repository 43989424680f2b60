/** The entries of a zip that is foreign, one by one, and what they hold. */
import type { Readable } from "node:stream";
import type { Entry, ZipFile } from "yauzl";

/** @param file - Opened with `lazyEntries`. */
export async function* entriesOf(file: ZipFile): AsyncGenerator<Entry> {
  const inbox: Array<Entry | Error | null> = [];
  let wake: (() => void) | null = null;
  const put = (item: Entry | Error | null): void => {
    inbox.push(item);
    wake?.();
  };
  file.on("entry", put);
  file.on("error", put);
  file.on("end", () => put(null));
  for (;;) {
    file.readEntry();
    if (inbox.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = null;
    }
    const item = inbox.shift();
    if (item === null || item === undefined) return;
    if (item instanceof Error) throw item;
    yield item;
  }
}

export function openEntry(file: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, stream) => {
      if (error !== null && error !== undefined) return reject(error);
      // A broken entry may fail before its reader is there or after it has gone: the failure is kept for it, and never
      // ends the server.
      stream.on("error", (failure: Error) => stream.destroy(failure));
      resolve(stream);
    });
  });
}

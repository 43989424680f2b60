/**
 * `thaw.prime.json` at the top of a package: `{"events": [...], "times": 3}`. Each event is served so often; once where
 * it is not said. Java, Python and Node.js read it in their own process; this is for the runtimes whose clients know
 * nothing of it.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { PrimeFile, PrimeFiles, PrimeSource } from "../ports/prime-source.ts";

const PRIME_FILE = "thaw.prime.json";
const FILE_SIZE_BYTES_MAX = 6 * 1024 * 1024;
/** The same in each runtime's client. */
const TIMES_MAX = 1000;

export function createPrimeSource(dataDir: string): PrimeSource & PrimeFiles {
  const readPrimeFile = async (codeName: string): Promise<PrimeFile | null> => {
    const text = await readSmall(join(dataDir, "code", codeName, PRIME_FILE));
    return text === null ? null : parsePrimeFile(text);
  };
  return {
    readPrimeFile,
    async readPrimes(codeName) {
      const { events, times } = (await readPrimeFile(codeName)) ?? { events: [], times: 0 };
      const payloads = events.map((event) => Buffer.from(event));
      return Array.from({ length: times }, () => payloads).flat();
    },
  };
}

/** Throws an Error that says what is wrong. */
export function parsePrimeFile(text: string): PrimeFile {
  const document = JSON.parse(text) as { events?: unknown; times?: unknown } | null;
  const { events, times = 1 } = document ?? {};
  if (!Array.isArray(events)) throw new Error(`${PRIME_FILE}: "events" must be a list`);
  if (!Number.isInteger(times) || Number(times) < 1)
    throw new Error(`${PRIME_FILE}: "times" must be a whole number over 0`);
  return { events: events.map((event) => JSON.stringify(event)), times: Math.min(Number(times), TIMES_MAX) };
}

/** Follows no link: it would lead to a file of this host, while the package's links are meant for the sandbox. */
async function readSmall(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    if (error.code === "ELOOP") throw new Error(`${PRIME_FILE} is a link; it must be a file`);
    throw error;
  });
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    if (size > FILE_SIZE_BYTES_MAX)
      throw new Error(`${PRIME_FILE} has ${size} bytes; ${FILE_SIZE_BYTES_MAX} are allowed`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** The prime events of a package: read, put in, and taken out, with everything else as it was. */
import { type Entry, fromBuffer, type ZipFile as OpenZip } from "yauzl";
import { ZipFile } from "yazl";
import { CommandError } from "@thaw/installation/command-error";

const PRIME_FILE = "thaw.prime.json";
/** A package has 250 MiB, unpacked, with its layers. */
const SIZE_BYTES_MAX = 250 * 1024 * 1024;
const UNIX = 3;
const FILE_MODE = 0o100644;
const TYPE_MASK = 0o170000;

/** Gives the package with these prime events, or null for none, in the place of its own; and whether it had some. */
export async function withPrimes(
  zip: Buffer,
  primes: string | null,
): Promise<{ readonly zip: Buffer; readonly own: string | null }> {
  const made = new ZipFile();
  let own: string | null = null;
  let sizeBytes = 0;
  if (primes !== null) made.addBuffer(Buffer.from(primes), PRIME_FILE, { mode: FILE_MODE });
  for await (const { entry, read } of entriesOf(zip)) {
    const mtime = entry.getLastModDate();
    if (entry.fileName.endsWith("/")) {
      made.addEmptyDirectory(entry.fileName, { mtime });
      continue;
    }
    sizeBytes += entry.uncompressedSize;
    if (sizeBytes > SIZE_BYTES_MAX) throw new CommandError("the package is larger than one of a function may be");
    const content = await read();
    if (entry.fileName === PRIME_FILE) own = content.toString("utf8");
    else made.addBuffer(content, entry.fileName, { mtime, mode: modeOf(entry) });
  }
  made.end();
  return { zip: await whole(made.outputStream), own };
}

/** Those of a zip that was not made on Unix have none. */
function modeOf({ versionMadeBy, externalFileAttributes }: Entry): number {
  const mode = externalFileAttributes >>> 16;
  return versionMadeBy >>> 8 === UNIX && (mode & TYPE_MASK) !== 0 ? mode : FILE_MODE;
}

async function* entriesOf(
  zip: Buffer,
): AsyncGenerator<{ readonly entry: Entry; readonly read: () => Promise<Buffer> }> {
  const file = await open(zip);
  for (;;) {
    const entry = await next(file);
    if (entry === null) return;
    yield { entry, read: () => contentOf(file, entry) };
  }
}

function open(zip: Buffer): Promise<OpenZip> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true, validateEntrySizes: true }, (error, file) => {
      if (error !== null) reject(new CommandError(`the package can't be read: ${error.message}`));
      else resolve(file);
    });
  });
}

/** Null: there are no more. */
function next(file: OpenZip): Promise<Entry | null> {
  return new Promise((resolve, reject) => {
    file.removeAllListeners();
    file.once("entry", resolve);
    file.once("end", () => resolve(null));
    file.once("error", reject);
    file.readEntry();
  });
}

function contentOf(file: OpenZip, entry: Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, stream) => {
      if (error !== null) reject(error);
      else whole(stream).then(resolve, reject);
    });
  });
}

async function whole(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

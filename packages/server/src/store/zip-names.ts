/** Names of a zip's entries: read as what wrote the zip meant them, and refused where they leave the package. */
import { isUtf8 } from "node:buffer";
import { posix } from "node:path";
import { type Entry, getFileNameLowLevel } from "yauzl";

/** The extra field that holds a name in UTF-8 beside one in another encoding. */
const UNICODE_PATH = 0x7075;
/** Systems whose paths have backslashes: MS-DOS, OS/2, NTFS, VFAT. */
const BACKSLASH_SYSTEMS = new Set([0, 6, 10, 14]);

/**
 * Reads the name of an entry of a zip that was opened without `decodeStrings`. A name whose bytes are UTF-8 is that,
 * also without the flag for it, as with AWS; other bytes are of code page 437. Backslashes are separators where the
 * writing system has them so, and letters elsewhere.
 */
export function readName(entry: Entry): string {
  const bytes = entry.fileName as unknown as Buffer;
  const hasOther = entry.extraFields.some(({ id }) => id === UNICODE_PATH);
  const name =
    !hasOther && isUtf8(bytes)
      ? bytes.toString("utf8")
      : getFileNameLowLevel(entry.generalPurposeBitFlag, bytes, entry.extraFields, true);
  return BACKSLASH_SYSTEMS.has(entry.versionMadeBy >>> 8) ? name.replaceAll("\\", "/") : name;
}

/** Longest path that the kernel takes. A zip's names may have 64 KiB, and each parent of one is looked at. */
const PATH_LENGTH_MAX = 4096;

/** Says what is wrong with a name; null: nothing. */
export function nameProblem(name: string): string | null {
  if (name.length > PATH_LENGTH_MAX) return "it has a name that is too long";
  if (name === "" || name.includes("\0")) return "invalid characters in a name";
  // With backslashes as separators too: nobody may read it so and be led out.
  for (const read of [name, name.replaceAll("\\", "/")]) {
    if (posix.isAbsolute(read)) return `absolute path: ${name}`;
    if (read.split("/").includes("..")) return `invalid relative path: ${name}`;
  }
  return null;
}

/**
 * The files of a folder to deploy, as AWS's tools pack them. A link that stays inside the folder is kept as a link; one
 * that leads out of it (a workspace package, an absolute path) is followed, so that the package is whole. Whatever is
 * no file, no folder and no such link is refused by its name.
 */
import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { CommandError } from "@thaw/installation/command-error";

export interface PackedFile {
  /** Path in the package, with slashes. */
  readonly name: string;
  readonly content: { readonly kind: "file"; readonly path: string } | { readonly kind: "link"; readonly to: string };
  readonly isExecutable: boolean;
}

/** AWS's limit on the unzipped package: nothing beyond it is read. */
const BYTES_MAX = 262_144_000;
/** As many as the server takes. */
const ENTRIES_MAX = 100_000;
const IGNORED = new Set([".git", ".aws-sam", "__pycache__", ".DS_Store"]);
const CACHE = ["node_modules", ".cache"];

interface Walk {
  /** The folder, with all links in its own path resolved. */
  readonly root: string;
  readonly files: PackedFile[];
  bytes: number;
  entries: number;
}

interface Step {
  /** Folder on disk, and its path in the package. */
  readonly path: string;
  readonly name: string;
  /** Real paths of the folders above, outside of the root: coming back to one of them would never end. */
  readonly above: readonly string[];
}

/** Lists the files in an order that is always the same. Throws CommandError, which names what can't be packed. */
export function listFiles(folder: string): readonly PackedFile[] {
  const walk: Walk = { root: realpathSync(folder), files: [], bytes: 0, entries: 0 };
  walkFolder(walk, { path: walk.root, name: "", above: [] });
  return walk.files;
}

function walkFolder(walk: Walk, step: Step): void {
  for (const entry of sortedNames(step.path)) {
    const name = step.name === "" ? entry : `${step.name}/${entry}`;
    if (isIgnored(name)) continue;
    if (++walk.entries > ENTRIES_MAX)
      throw new CommandError(`${walk.root} has more than ${ENTRIES_MAX} files and folders, too many for a package`);
    const path = join(step.path, entry);
    const found = lstatSync(path);
    if (found.isSymbolicLink()) addLink(walk, step, path, name);
    else if (found.isDirectory()) walkFolder(walk, { path, name, above: [...step.above, path] });
    else addFile(walk, path, name, found);
  }
}

/** Names as bytes first: one that is no UTF-8 would come back as another name. */
function sortedNames(folder: string): readonly string[] {
  const names = readdirSync(folder, { encoding: "buffer" }).map((bytes) => {
    const name = bytes.toString("utf8");
    if (!Buffer.from(name).equals(bytes) || name.includes("\\"))
      throw new CommandError(
        `${join(folder, name)} can't be packed: its name ${name.includes("\\") ? "has a backslash" : "is no UTF-8"}`,
      );
    return name;
  });
  return names.sort((a, b) => (a < b ? -1 : 1));
}

function isIgnored(name: string): boolean {
  const parts = name.split("/");
  return parts.some((part, at) => IGNORED.has(part) || (part === CACHE[1] && parts[at - 1] === CACHE[0]));
}

function addFile(walk: Walk, path: string, name: string, found: Stats): void {
  if (!found.isFile())
    throw new CommandError(`${path} can't be packed: it is ${kindOf(found)}, and a package has files only`);
  walk.bytes += found.size;
  if (walk.bytes > BYTES_MAX)
    throw new CommandError(`${walk.root} is larger than ${BYTES_MAX} bytes, AWS's limit on an unzipped package`);
  walk.files.push({ name, content: { kind: "file", path }, isExecutable: (found.mode & 0o111) !== 0 });
}

function kindOf(found: Stats): string {
  if (found.isFIFO()) return "a named pipe (FIFO)";
  if (found.isSocket()) return "a socket";
  return "a device";
}

function addLink(walk: Walk, step: Step, path: string, name: string): void {
  const real = realPathOf(path);
  // In a folder that was itself reached over a link out of the root, a relative path means something else.
  const isInRoot = step.path === walk.root || step.path.startsWith(walk.root + sep);
  const inside = relative(walk.root, real);
  const staysInside = inside === "" || (inside !== ".." && !inside.startsWith(`..${sep}`));
  if (isInRoot && staysInside && !isIgnored(inside)) {
    const to = relative(dirname(path), real);
    walk.files.push({ name, content: { kind: "link", to: to === "" ? "." : to }, isExecutable: false });
    return;
  }
  const found = statSync(real);
  if (!found.isDirectory()) return addFile(walk, real, name, found);
  const isLoop = [walk.root, ...step.above].some((above) => above === real || above.startsWith(`${real}/`));
  if (isLoop) throw new CommandError(`${path} can't be packed: it leads to ${real}, in which it lies itself`);
  walkFolder(walk, { path: real, name, above: [...step.above, real] });
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const isLoop = (error as NodeJS.ErrnoException).code === "ELOOP";
    const why = isLoop ? "it leads round in a circle" : `it is a link to ${readlinkSync(path)}, which is not there`;
    throw new CommandError(`${path} (${basename(path)}) can't be packed: ${why}`);
  }
}

/** Compiled programs, which are not scanned: the most that their bytes tell about the generators in them. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

const ELF = Buffer.from("\x7fELF", "latin1");
/** A function's code is no larger when it is unpacked. */
const SIZE_BYTES_MAX = 262_144_000;

/** Texts that a build leaves in the program, even a stripped one, by the generator whose state is in its memory. */
const GENERATORS: ReadonlyArray<readonly [string, string]> = [
  ["math/rand.(*Rand)", "Go's math/rand"],
  ["math/rand/v2.", "Go's math/rand/v2"],
  ["rand_chacha-", "Rust's rand"],
  ["rand_pcg-", "Rust's rand_pcg"],
  ["rand_xoshiro-", "Rust's rand_xoshiro"],
  ["fastrand-", "Rust's fastrand"],
];

/** Says what is to be done about a package whose `bootstrap` is a compiled program; null where it is none. */
export function adviceOnProgram(root: string): string | null {
  const path = join(root, "bootstrap");
  if (!existsSync(path) || !statSync(path).isFile() || !isElf(path)) return null;
  const found = statSync(path).size > SIZE_BYTES_MAX ? [] : generatorsIn(readFileSync(path));
  const linked =
    found.length === 0
      ? ""
      : ` It has ${found.join(", ")}: what draws from there repeats in each clone, unless it is made anew after a restore (docs/reference/uniqueness.md).`;
  return `the bootstrap in ${root} is a compiled program, which a scan can't read.${linked} Publish it, and see with 'thaw check NAME:VERSION' what its clones share.`;
}

function isElf(path: string): boolean {
  const head = Buffer.alloc(ELF.length);
  const file = openSync(path, "r");
  try {
    return readSync(file, head, 0, head.length, 0) === head.length && head.equals(ELF);
  } finally {
    closeSync(file);
  }
}

function generatorsIn(program: Buffer): readonly string[] {
  return GENERATORS.filter(([text]) => program.includes(text)).map(([, name]) => name);
}

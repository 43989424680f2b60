/** The layering rule, checked over every import of the repository: `node tools/architecture/main.ts`. */
import { resolve } from "node:path";
import { checkRust } from "./rust.ts";
import { checkTypeScript } from "./typescript.ts";

/** A checker that looks at the wrong place finds nothing wrong: fewer files than this are a failure. */
const FILES_MIN = { TypeScript: 250, Rust: 70 };

const root = resolve(import.meta.dirname, "../..");
let isOk = true;
for (const [language, check] of [
  ["TypeScript", checkTypeScript],
  ["Rust", checkRust],
] as const) {
  const { files, violations } = check(root);
  for (const { file, uses, why } of violations) process.stderr.write(`${file}: ${uses}: ${why}\n`);
  process.stdout.write(`architecture: ${files} files of ${language}, ${violations.length} violations\n`);
  if (files < FILES_MIN[language]) process.stderr.write(`architecture: too few files; is this the repository?\n`);
  if (violations.length > 0 || files < FILES_MIN[language]) isOk = false;
}
process.exitCode = isOk ? 0 : 1;

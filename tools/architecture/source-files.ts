import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface Violation {
  /** Relative to the repository. */
  readonly file: string;
  readonly uses: string;
  readonly why: string;
}

/** The files below a folder whose names end in one of `extensions`; none where the folder is missing. */
export function sourceFiles(folder: string, ...extensions: readonly string[]): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter(
      (name) =>
        extensions.some((end) => name.endsWith(end)) &&
        !/(?:^|\/)(?:node_modules|fixtures|bundles|target)\//.test(name),
    )
    .map((name) => join(folder, name));
}

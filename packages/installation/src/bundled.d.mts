export const DIST: string;
export const BUNDLES: string;
/** What `tools/build-programs.ts` bundles: data of the server, the command line, the server. */
export type BundledProgram = "backup" | "command" | "serve";
export function bundled(
  root: string,
  program: BundledProgram,
  env?: Readonly<Record<string, string | undefined>>,
): string | null;

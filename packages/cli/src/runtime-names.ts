/** Names of runtimes: as functions have them, and as they are installed. */
export const INSTALLABLE = ["java11", "java21", "java25", "python3.13", "python3.14", "nodejs22", "nodejs24"] as const;

/** The name to install a runtime by, which may be given in either form; null: it can't be installed. */
export function installName(runtime: string): string | null {
  const name = runtime.replace(/^(nodejs[0-9]+)\.x$/, "$1");
  return INSTALLABLE.find((each) => each === name) ?? null;
}

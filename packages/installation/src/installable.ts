/** Languages that `tools/install-runtime.sh` installs, by its names for them. */
export const INSTALLABLE = [
  "java11",
  "java17",
  "java21",
  "java25",
  "python3.11",
  "python3.13",
  "python3.14",
  "nodejs20",
  "nodejs22",
  "nodejs24",
] as const;

/** The name to install a runtime by, which may be given as functions have it; null: it can't be installed. */
export function installName(runtime: string): string | null {
  const name = runtime.replace(/^(nodejs[0-9]+)\.x$/, "$1");
  return INSTALLABLE.find((each) => each === name) ?? null;
}

/** Of AWS's library for SAM templates, which is installed like a language, and is none. */
export const SAM_TRANSFORM = "sam-transform";

/** Of the service that `thaw serve --companion moto` starts; installed like a language, too. */
export const MOTO = "moto";

/** Of the operating system for base images of languages that run on the host's; installed like a language, too. */
export const BASE_SYSTEM = "base-system";

/** Rules about what is downloaded: each takes one file and gives what in it has no digest, or a version that floats. */

export interface Problem {
  readonly line: number;
  readonly what: string;
}

/** A command of a script, its continued lines joined. */
interface Command {
  readonly line: number;
  readonly text: string;
}

interface Rule {
  readonly of: RegExp;
  /** Null: it is as it should be. */
  readonly problem: (command: string, script: string) => string | null;
}

const CHECKS_SHA512 = /sha512sum --check/;
const CHECKS = /sha(?:256|512)sum --check/;

const RULES: readonly Rule[] = [
  refused(
    /\bnpm\b.*\s(?:install|i|add|update|exec)\b|\bnpx (?!thaw\b)|\b(?:yarn|pnpm)\b/,
    "takes what is newest: npm ci with a lock file",
  ),
  {
    of: /\bnpm\b.*\sci\b/,
    // At the root .npmrc says it.
    problem: (text) => needs(text, text.includes("--prefix") ? ["--ignore-scripts"] : []),
  },
  {
    of: /\bnpm pack\b/,
    problem: (_, script) => (CHECKS_SHA512.test(script) ? null : "npm pack without a digest: sha512sum --check"),
  },
  {
    of: /\bpip3?"?\s+(?:\S+\s+)*?(?:install|download)\b/,
    problem: (text) => needs(text, ["--require-hashes", "--only-binary=:all:"]),
  },
  { of: /\bmvn\s/, problem: (text) => needs(text, [" -C "]) },
  {
    of: /\bcargo (?:build|install|run|test|bench)\b/,
    problem: (text) => needs(text, text.includes("cargo install") ? ["--locked", '--version "='] : ["--locked"]),
  },
  {
    of: /\bgo (?:install|get|run)\b.*@/,
    problem: (text, script) => {
      const version = /@\$(\w+)/.exec(text)?.[1];
      const isFixed = version === undefined ? /@v\d+\.\d+\.\d+/.test(text) : fixedIn(script, version);
      return isFixed ? null : "go install of a version that floats";
    },
  },
  {
    of: /\b(?:curl|wget)\b.*https?:/,
    problem: (text, script) =>
      CHECKS.test(script) || /:\/\/(?:127\.|localhost)/.test(text) ? null : "a download without sha256sum --check",
  },
  refused(/\bgit clone\b/, "has no digest: take an archive that has one"),
  refused(
    /--allow-(?:unauthenticated|insecure)|trusted=yes|AllowInsecure|AllowWeak|--force-yes|--no-check-gpg|http\.sslVerify|--trusted-host|--insecure/,
    "takes what nobody signed",
  ),
];

function refused(of: RegExp, what: string): Rule {
  return { of, problem: (text) => `${of.exec(text)?.[0].trim() ?? ""}: ${what}` };
}

function needs(text: string, options: readonly string[]): string | null {
  const missing = options.filter((option) => !text.includes(option));
  return missing.length === 0 ? null : `needs ${missing.map((option) => option.trim()).join(" ")}: ${text.trim()}`;
}

function fixedIn(script: string, variable: string): boolean {
  return new RegExp(`^\\s*${variable}=v?\\d+\\.\\d+\\.\\d+`, "m").test(script);
}

/** Commands of a shell script that download something. Comments and what is said to people are none. */
export function scriptProblems(script: string): readonly Problem[] {
  return commandsOf(script).flatMap(({ line, text }) =>
    RULES.filter(({ of }) => of.test(text)).flatMap(({ problem }) => {
      const what = problem(text, script);
      return what === null ? [] : [{ line, what }];
    }),
  );
}

function commandsOf(script: string): readonly Command[] {
  const commands: Command[] = [];
  let open = "";
  for (const [index, line] of script.split("\n").entries()) {
    if (open === "" && /^\s*#/.test(line)) continue;
    const isContinued = line.endsWith("\\");
    open += isContinued ? `${line.slice(0, -1)} ` : line;
    if (isContinued) continue;
    commands.push({ line: index + 1, text: open.replaceAll(/\b(?:say|die|step|echo)\s+(?:"[^"]*"|'[^']*')/g, "") });
    open = "";
  }
  return commands;
}

/** A program in Python that calls pip does so with digests. */
export function pythonProblems(program: string): readonly Problem[] {
  const line = program.split("\n").findIndex((text) => /"(?:install|download)"/.test(text)) + 1;
  if (line === 0 || !program.includes('"pip"')) return [];
  const what = needs(program, ["--require-hashes", "--only-binary=:all:"]);
  return what === null ? [] : [{ line, what: "pip without --require-hashes and --only-binary=:all:" }];
}

/** Every package has one version, and the digest of each of its files. */
export function requirementsProblems(text: string): readonly Problem[] {
  return commandsOf(text).flatMap(({ line, text: requirement }) => {
    if (requirement.trim() === "") return [];
    const isFixed = /^[\w.[\],-]+==[\w.!+]+(?:\s|;|$)/.test(requirement);
    if (isFixed && /--hash=sha256:[0-9a-f]{64}(?:\s|$)/.test(requirement)) return [];
    return [{ line, what: `needs name==version --hash=sha256:…: ${requirement.trim().slice(0, 80)}` }];
  });
}

interface LockedPackage {
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly integrity?: string;
}

export function packageLockProblems(text: string): readonly Problem[] {
  const { packages = {} } = JSON.parse(text) as { readonly packages?: Readonly<Record<string, LockedPackage>> };
  return Object.entries(packages).flatMap(([path, { link, inBundle, integrity = "" }]) => {
    const isForeign = path.includes("node_modules/") && link !== true && inBundle !== true;
    return !isForeign || integrity.startsWith("sha512-") ? [] : [{ line: 1, what: `no sha512 of ${path}` }];
  });
}

interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Also a package of a workspace has no digest of its own: it lies beside. */
export function packageJsonProblems(text: string): readonly Problem[] {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text) as PackageJson;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).flatMap(([name, version]) => {
    const isFixed = /^(?:npm:[@\w/.-]+@)?\d+\.\d+\.\d+[\w.+-]*$/.test(version) || (version === "*" && isOwn(name));
    return isFixed ? [] : [{ line: 1, what: `${name} ${version} floats` }];
  });
}

function isOwn(name: string): boolean {
  return name.startsWith("@thaw/");
}

export function cargoLockProblems(text: string): readonly Problem[] {
  return text.split("[[package]]").flatMap((entry) => {
    const name = /^name = "(.*)"/m.exec(entry)?.[1] ?? "";
    const source = /^source = "(.*)"/m.exec(entry)?.[1];
    const hasDigest = /^checksum = "[0-9a-f]{64}"/m.test(entry);
    return source === undefined || (source.startsWith("registry+") && hasDigest)
      ? []
      : [{ line: 1, what: `no checksum of ${name} from ${source}` }];
  });
}

/**
 * Plugins that Maven runs for a project without naming them: those of the phases up to `package` for one of a jar, and
 * that of the goal by which builds here fetch libraries for one that makes nothing.
 */
const UNNAMED_PLUGINS = {
  jar: ["resources", "compiler", "surefire", "jar"],
  pom: ["dependency"],
} as const;

/** Maven has no lock file: versions at least are fixed. A parent fixes those of its plugins. */
export function pomProblems(text: string): readonly Problem[] {
  const floating = [...text.matchAll(/<version>\s*([^<]*)<\/version>/g)].flatMap(({ 1: version = "", index }) =>
    /LATEST|RELEASE|SNAPSHOT|[[(,]/.test(version) ? [{ line: lineAt(text, index), what: `${version} floats` }] : [],
  );
  if (text.includes("<parent>")) return floating;
  const plugins = [...text.matchAll(/<plugin>[^]*?<\/plugin>/g)].flatMap(({ 0: plugin, index }) =>
    plugin.includes("<version>") ? [] : [{ line: lineAt(text, index), what: "a plugin without a version" }],
  );
  return [...floating, ...plugins, ...unnamedPlugins(text)];
}

/** Without a version, the machine's Maven chooses one, or takes the newest that the registry has. */
function unnamedPlugins(text: string): readonly Problem[] {
  if (!text.includes("<project") || text.includes("<modules>")) return [];
  const kind = text.includes("<packaging>pom</packaging>") ? "pom" : "jar";
  return UNNAMED_PLUGINS[kind]
    .filter((name) => !text.includes(`<artifactId>maven-${name}-plugin</artifactId>`))
    .map((name) => ({ line: 1, what: `maven-${name}-plugin has no version` }));
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** What an image is made from has a digest, or is nothing. */
export function containerProblems(text: string): readonly Problem[] {
  return text.split("\n").flatMap((line, index) => {
    const from = /^FROM\s+(?:--\S+\s+)*(\S+)/.exec(line)?.[1];
    const isFree = from === undefined || from === "scratch" || /@sha256:[0-9a-f]{64}$/.test(from);
    const isFetched = /^ADD\s.*https?:/.test(line) || /^RUN\s.*\b(?:curl|wget|apt-get|npm|pip)\b/.test(line);
    return isFree && !isFetched ? [] : [{ line: index + 1, what: `no digest: ${line}` }];
  });
}

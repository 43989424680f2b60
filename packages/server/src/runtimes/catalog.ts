/**
 * The runtimes of this host: found by looking, never substituted. Each request looks whether a file of a runtime has
 * changed, and then looks at that runtime again, unless the caller accepts an older answer.
 *
 *   javaN         the host's /usr/lib/jvm, or a root file system $THAW_HOME/runtimes/javaN
 *   pythonX.Y     the host's /usr/bin/pythonX.Y, or $THAW_HOME/runtimes/pythonX.Y
 *   nodejsN.x     $THAW_HOME/runtimes/nodejsN/bin/node, mounted on /var/lang
 *   provided.*    the function's own bootstrap
 *
 *   image         no language: a container image brings its own root
 *
 * Several releases of one may lie side by side (packages/installation/src/releases.ts); the newest comes first.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM } from "@thaw/installation";
import { installName } from "@thaw/installation/installable";
import { listReleases } from "@thaw/installation/releases";
import type { Clock } from "../base/clock.ts";
import type { RuntimeCatalog, RuntimeRecipe, RuntimeRelease } from "../ports/runtime-catalog.ts";
import { IMAGE_RUNTIME } from "../model/image.ts";
import { JAVA_MAJORS, NODE_MAJORS, PROVIDED_RUNTIMES, PYTHON_VERSIONS } from "../model/runnable-runtimes.ts";
import { javaArgv } from "./java.ts";
import { nodeStart } from "./node.ts";
import { librariesOf, stampOf } from "./stamps.ts";

export interface RuntimeCatalogOptions {
  /** Machine-wide directory with `runtimes/`. */
  readonly thawHome: string;
  /** Directory of runtime clients (`runtimes/dist`). */
  readonly clientsDir: string;
  /** Makes a runtime's ARN from any text that names its release. */
  readonly arnOf: (runtime: string) => string;
  readonly clock: Clock;
}

interface Found {
  readonly runtime: string;
  readonly root: string;
  readonly lang: string | null;
  readonly programs?: Readonly<Record<string, string>>;
  /** Null: the root brings its own. */
  readonly client: string | null;
  /** Files of the host that change whenever the language itself does. */
  readonly files: readonly string[];
  readonly argv: RuntimeRecipe["argv"];
  readonly env: Readonly<Record<string, string>>;
  readonly writesRecords: boolean;
  readonly envOver?: NonNullable<RuntimeRecipe["envOver"]>;
}

/**
 * Values as AWS's runtimes have them (environment-behaviour, section 10, of which recorded environments are the
 * evidence). The slash behind `/usr/bin` is AWS's.
 */
const OS_ENV = {
  LANG: "en_US.UTF-8",
  PATH: "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
  LD_LIBRARY_PATH: "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
} as const;
const MANAGED_ENV = {
  ...OS_ENV,
  PATH: `/var/lang/bin:${OS_ENV.PATH}`,
  LD_LIBRARY_PATH: `/var/lang/lib:${OS_ENV.LD_LIBRARY_PATH}`,
} as const;
/** AWS starts these languages by a shell script, and this is what the shell leaves. */
const SHELL_ENV = { ...MANAGED_ENV, PWD: "/var/task", SHLVL: "0" } as const;

/** Says of a container image only where it is: what is started and with which variables is the image's own. */
const IMAGE: Found = {
  runtime: IMAGE_RUNTIME,
  root: "image",
  lang: null,
  client: null,
  files: [],
  argv: () => [],
  env: {},
  writesRecords: false,
};

export function createRuntimeCatalog(options: RuntimeCatalogOptions): RuntimeCatalog {
  const finders = new Map<string, () => Found[]>([
    ...JAVA_MAJORS.map((major) => [`java${major}`, () => findJava(options, major)] as const),
    ...PYTHON_VERSIONS.map((version) => [`python${version}`, () => findPython(options, version)] as const),
    ...NODE_MAJORS.map((major) => [`nodejs${major}.x`, () => findNode(options, major)] as const),
    ...PROVIDED_RUNTIMES.map((runtime) => [runtime, () => findProvided(options, runtime)] as const),
    [IMAGE_RUNTIME, () => [IMAGE]],
  ]);
  const named = [...finders.keys()].filter((runtime) => runtime !== IMAGE_RUNTIME);
  const entries = new Map([...finders].map(([runtime, find]) => [runtime, new CatalogEntry(find, options)]));
  const newest = (runtime: string): RuntimeRecipe | null => entries.get(runtime)?.recipes()[0] ?? null;
  return {
    find: (runtime, fingerprint, ageMsMax) => {
      const recipes = entries.get(runtime)?.recipes(ageMsMax) ?? [];
      return (
        (fingerprint === undefined ? recipes[0] : recipes.find((recipe) => recipe.fingerprint === fingerprint)) ?? null
      );
    },
    list: () => named.map(newest).filter((recipe) => recipe !== null),
    all: () => [...entries.values()].flatMap((entry) => entry.recipes()),
    releases: () => [...entries.values()].flatMap((entry) => releasesOf(entry.recipes())),
    remedy: (runtime) => {
      const name = installName(runtime);
      if (name !== null) return `Run: ${PROGRAM} runtimes install ${name}`;
      const installed = named.filter((each) => newest(each) !== null);
      return `Installed here: ${installed.join(", ") || "none"}.`;
    },
  };
}

/** The releases of one runtime, and the files that tell when to look again. */
class CatalogEntry {
  readonly #find: () => Found[];
  readonly #options: RuntimeCatalogOptions;
  #recipes: readonly RuntimeRecipe[] = [];
  #watched: ReadonlyMap<string, string> | null = null;
  #checkedMs = -Infinity;

  constructor(find: () => Found[], options: RuntimeCatalogOptions) {
    this.#find = find;
    this.#options = options;
  }

  /** Newest first. */
  recipes(ageMsMax = 0): readonly RuntimeRecipe[] {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#checkedMs < ageMsMax) return this.#recipes;
    this.#checkedMs = nowMs;
    if (this.#watched === null || [...this.#watched].some(([path, stamp]) => stampOf(path) !== stamp)) this.#look();
    return this.#recipes;
  }

  #look(): void {
    const { thawHome, clientsDir } = this.#options;
    const places = [join(thawHome, "runtimes"), "/usr/lib/jvm", clientsDir];
    // Stamps first: a change while we look is then seen by the next call.
    const placeStamps = places.map((path) => [path, stampOf(path)] as const);
    const found = this.#find();
    const watched = found.flatMap(({ files, client }) => [...files, join(clientsDir, client ?? "unique", ".recipe")]);
    this.#watched = new Map([...placeStamps, ...watched.map((path) => [path, stampOf(path)] as const)]);
    this.#recipes = found.map((each) => toRecipe(each, this.#options));
  }
}

function toRecipe(found: Found, options: RuntimeCatalogOptions): RuntimeRecipe {
  const { runtime, root, lang, client, argv, env, files, writesRecords } = found;
  const stamps = files.map((path) => [path, stampOf(path)]);
  const fingerprint = createHash("sha256")
    .update(
      JSON.stringify([
        stamps,
        client === null ? "" : clientDigest(join(options.clientsDir, client)),
        clientDigest(join(options.clientsDir, "unique")),
        env,
      ]),
    )
    .digest("hex");
  return {
    runtime,
    root,
    lang,
    client,
    argv,
    env,
    writesRecords,
    ...(found.envOver === undefined ? {} : { envOver: found.envOver }),
    ...(found.programs === undefined ? {} : { programs: found.programs }),
    runtimeVersion: `${runtime.replace(/^(java|python|nodejs)/, "$1:").replace(/^provided\./, "provided:")}.thaw`,
    runtimeVersionArn: options.arnOf(`${runtime}:${fingerprint}`),
    fingerprint,
  };
}

/** Chooses among recipes of one runtime, which come newest first. */
function releasesOf(recipes: readonly RuntimeRecipe[]): readonly RuntimeRelease[] {
  return recipes.flatMap(({ runtime, root, lang, fingerprint }, index) => {
    const name = lang ?? root;
    return name === "host" || name === "image" ? [] : [{ runtime, name, fingerprint, isNewest: index === 0 }];
  });
}

function clientDigest(dir: string): string {
  const recipe = join(dir, ".recipe");
  return existsSync(recipe) ? readFileSync(recipe, "utf8").trim() : "";
}

function findJava(options: RuntimeCatalogOptions, major: number): Found[] {
  if (!existsSync(join(options.clientsDir, "java"))) return [];
  return rootsOf(options, `java${major}`).flatMap(({ root, path }) => {
    const home = javaHomes(path).get(major);
    if (home === undefined) return [];
    const argv: RuntimeRecipe["argv"] = (wanted) => javaArgv({ ...wanted, home, major });
    const files = ["release", "bin/java", "lib/server/libjvm.so", "lib/modules"].map((file) => join(path, home, file));
    return [
      {
        runtime: `java${major}`,
        root,
        lang: null,
        programs: { java: `${home}/bin/java` },
        client: "java",
        files: [...files, ...librariesOf(path)],
        argv,
        env: MANAGED_ENV,
        writesRecords: true,
      },
    ];
  });
}

/** Lists the places of a language with a root of its own: the host, which goes first, then each of its releases. */
function rootsOf(
  options: RuntimeCatalogOptions,
  name: string,
): ReadonlyArray<{ readonly root: string; readonly path: string }> {
  const dir = join(options.thawHome, "runtimes");
  return [{ root: "host", path: "/" }, ...listReleases(dir, name).map((root) => ({ root, path: join(dir, root) }))];
}

/** Places inside the root, by major version. */
function javaHomes(root: string): Map<number, string> {
  const homes = new Map<number, string>();
  const dir = join(root, "usr/lib/jvm");
  if (!existsSync(dir)) return homes;
  for (const name of readdirSync(dir).sort()) {
    const release = join(dir, name, "release");
    if (!existsSync(release) || !existsSync(join(dir, name, "bin/java"))) continue;
    const version =
      /^JAVA_RUNTIME_VERSION="?([^"\n]+)/m.exec(readFileSync(release, "utf8"))?.[1] ??
      /^JAVA_VERSION="?([^"\n]+)/m.exec(readFileSync(release, "utf8"))?.[1];
    const major = Number(version?.split(/[.+]/)[0]);
    if (version !== undefined && !homes.has(major)) homes.set(major, `/usr/lib/jvm/${name}`);
  }
  return homes;
}

function findPython(options: RuntimeCatalogOptions, version: string): Found[] {
  const runtime = `python${version}`;
  const program = `usr/bin/python${version}`;
  if (!existsSync(join(options.clientsDir, runtime))) return [];
  return rootsOf(options, runtime).flatMap(({ root, path }) => {
    if (!existsSync(join(path, program))) return [];
    // No byte code is written: most folders are read-only.
    const argv: RuntimeRecipe["argv"] = () => [`/${program}`, "-B", "/var/runtime/thaw_runtime.py"];
    // The names of AWS's images, in a folder of PATH that goes before the host's own Python.
    const programs = Object.fromEntries(["python", "python3", runtime].map((name) => [name, `/${program}`]));
    // Layers are on sys.path, not in PYTHONPATH, as on AWS. Python sets LC_CTYPE itself where there is no en_US.UTF-8.
    const env = { ...SHELL_ENV, LC_CTYPE: "C.UTF-8", PYTHONPATH: "/var/runtime" };
    const files = [join(path, program), ...librariesOf(path)];
    return [{ runtime, root, lang: null, programs, client: runtime, files, argv, env, writesRecords: true }];
  });
}

function findNode(options: RuntimeCatalogOptions, major: number): Found[] {
  const dir = join(options.thawHome, "runtimes");
  const client = `nodejs${major}`;
  if (!existsSync(join(options.clientsDir, client))) return [];
  return listReleases(dir, client).flatMap((lang) => {
    const program = join(dir, lang, "bin/node");
    if (!existsSync(program)) return [];
    const files = [program, ...librariesOf("/")];
    return [{ runtime: `${client}.x`, root: "host", lang, client, files, env: SHELL_ENV, ...nodeStart(major) }];
  });
}

function findProvided(options: RuntimeCatalogOptions, runtime: string): Found[] {
  if (!existsSync(join(options.clientsDir, "provided"))) return [];
  const argv: RuntimeRecipe["argv"] = () => ["/var/task/bootstrap"];
  const files = librariesOf("/");
  return [{ runtime, root: "host", lang: null, client: "provided", files, argv, env: OS_ENV, writesRecords: false }];
}

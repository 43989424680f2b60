/**
 * The runtimes of this host: found once at start, never substituted.
 *
 *   javaN         the host's /usr/lib/jvm, or a root file system $THAW_HOME/runtimes/javaN
 *   pythonX.Y     the host's /usr/bin/pythonX.Y, or $THAW_HOME/runtimes/pythonX.Y
 *   nodejsN.x     $THAW_HOME/runtimes/nodejsN/bin/node, mounted on /var/lang
 *   provided.*    the function's own bootstrap
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeCatalog, RuntimeRecipe } from "../ports/runtime-catalog.ts";
import { javaArgv } from "./java.ts";

export interface RuntimeCatalogOptions {
  /** Machine-wide directory with `runtimes/`. */
  readonly thawHome: string;
  /** Directory of runtime clients (`runtimes/dist`). */
  readonly clientsDir: string;
  /** Names runtimes' ARNs; any text. */
  readonly arnOf: (runtime: string) => string;
}

interface Found {
  readonly runtime: string;
  readonly root: string;
  readonly lang: string | null;
  readonly client: string;
  /** Changes whenever the language does. */
  readonly version: string;
  readonly argv: RuntimeRecipe["argv"];
  readonly env: Readonly<Record<string, string>>;
}

const BASE_ENV = {
  LANG: "C.UTF-8",
  PATH: "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
  LD_LIBRARY_PATH: "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
} as const;

const JAVA_MAJORS = [11, 17, 21, 25];
const PYTHON_VERSIONS = ["3.12", "3.13", "3.14"];
const NODE_MAJORS = [22, 24];
const INSTALLABLE = new Set(["java11", "java21", "java25", "python3.13", "python3.14", "nodejs22", "nodejs24"]);

export function createRuntimeCatalog(options: RuntimeCatalogOptions): RuntimeCatalog {
  const found = [...findJava(options), ...findPython(options), ...findNode(options), ...findProvided(options)];
  const recipes = new Map(found.map((each) => [each.runtime, toRecipe(each, options)]));
  return {
    find: (runtime) => recipes.get(runtime) ?? null,
    list: () => [...recipes.values()],
    remedy: (runtime) => {
      const name = runtime.replace(/\.x$/, "");
      if (INSTALLABLE.has(name)) return `Run: npx thaw runtimes install ${name}`;
      return `Installed here: ${[...recipes.keys()].join(", ") || "none"}.`;
    },
  };
}

function toRecipe(found: Found, options: RuntimeCatalogOptions): RuntimeRecipe {
  const { runtime, root, lang, client, argv, env, version } = found;
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([version, clientDigest(join(options.clientsDir, client)), clientDigest(join(options.clientsDir, "unique"))]))
    .digest("hex");
  return {
    runtime,
    root,
    lang,
    client,
    argv,
    env: { ...BASE_ENV, ...env },
    runtimeVersion: `${runtime.replace(/^(java|python|nodejs)/, "$1:").replace(/^provided\./, "provided:")}.thaw`,
    runtimeVersionArn: options.arnOf(`${runtime}:${fingerprint}`),
    fingerprint,
  };
}

function clientDigest(dir: string): string {
  const recipe = join(dir, ".recipe");
  return existsSync(recipe) ? readFileSync(recipe, "utf8").trim() : "";
}

function findJava(options: RuntimeCatalogOptions): Found[] {
  if (!existsSync(join(options.clientsDir, "java"))) return [];
  return JAVA_MAJORS.flatMap((major) => {
    const place = javaHomes("/").get(major) ?? null;
    const rootName = `java${major}`;
    const home = place ?? javaHomes(join(options.thawHome, "runtimes", rootName)).get(major) ?? null;
    if (home === null) return [];
    const env = { JAVA_HOME: home.path };
    const argv: RuntimeRecipe["argv"] = (wanted) => javaArgv({ ...wanted, home: home.path, major });
    return [{ runtime: `java${major}`, root: place === null ? rootName : "host", lang: null, client: "java", version: home.version, argv, env }];
  });
}

interface JavaHome {
  /** Inside the root. */
  readonly path: string;
  readonly version: string;
}

function javaHomes(root: string): Map<number, JavaHome> {
  const homes = new Map<number, JavaHome>();
  const dir = join(root, "usr/lib/jvm");
  if (!existsSync(dir)) return homes;
  for (const name of readdirSync(dir).sort()) {
    const release = join(dir, name, "release");
    if (!existsSync(release) || !existsSync(join(dir, name, "bin/java"))) continue;
    const version =
      /^JAVA_RUNTIME_VERSION="?([^"\n]+)/m.exec(readFileSync(release, "utf8"))?.[1] ?? /^JAVA_VERSION="?([^"\n]+)/m.exec(readFileSync(release, "utf8"))?.[1];
    const major = Number(version?.split(/[.+]/)[0]);
    if (version !== undefined && !homes.has(major)) homes.set(major, { path: `/usr/lib/jvm/${name}`, version });
  }
  return homes;
}

function findPython(options: RuntimeCatalogOptions): Found[] {
  return PYTHON_VERSIONS.flatMap((version) => {
    const runtime = `python${version}`;
    const program = `usr/bin/python${version}`;
    const rootDir = join(options.thawHome, "runtimes", runtime);
    const isOnHost = existsSync(join("/", program));
    if (!existsSync(join(options.clientsDir, runtime)) || (!isOnHost && !existsSync(join(rootDir, program)))) return [];
    const stamp = statSync(join(isOnHost ? "/" : rootDir, program));
    const argv: RuntimeRecipe["argv"] = ({ handler }) => [`/${program}`, "-m", "thaw_runtime", handler];
    const env = { PYTHONPATH: "/var/runtime:/opt/python", PYTHONDONTWRITEBYTECODE: "1" };
    return [{ runtime, root: isOnHost ? "host" : runtime, lang: null, client: runtime, version: `${stamp.size}:${stamp.mtimeMs}`, argv, env }];
  });
}

function findNode(options: RuntimeCatalogOptions): Found[] {
  return NODE_MAJORS.flatMap((major) => {
    const lang = `nodejs${major}`;
    const program = join(options.thawHome, "runtimes", lang, "bin/node");
    if (!existsSync(program) || !existsSync(join(options.clientsDir, "nodejs"))) return [];
    const stamp = statSync(program);
    const argv: RuntimeRecipe["argv"] = ({ memorySizeMib }) => [
      "/var/lang/bin/node",
      `--max-old-space-size=${Math.floor(memorySizeMib * 0.9)}`,
      // Worker threads and forked processes inherit it.
      "--import=/var/runtime/unique.mjs",
      "/var/runtime/main.mjs",
    ];
    const env = { NODE_PATH: "/opt/nodejs/node_modules:/var/task/node_modules" };
    return [{ runtime: `nodejs${major}.x`, root: "host", lang, client: "nodejs", version: `${stamp.size}:${stamp.mtimeMs}`, argv, env }];
  });
}

function findProvided(options: RuntimeCatalogOptions): Found[] {
  if (!existsSync(join(options.clientsDir, "provided"))) return [];
  const argv: RuntimeRecipe["argv"] = () => ["/var/task/bootstrap"];
  return ["provided.al2023", "provided.al2"].map((runtime) => ({ runtime, root: "host", lang: null, client: "provided", version: "1", argv, env: {} }));
}

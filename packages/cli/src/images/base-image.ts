/**
 * `thaw images base`: a base image made of an installed runtime, which a Dockerfile builds upon as upon AWS's. Its
 * layers are the system, the language where that is apart, the runtime's client, and the files of runtimes/images.
 * Equal files make equal layers, so images of one installation share them.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { partsOf, PROGRAM, ROOT, thawHomeOf } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { BASE_SYSTEM, INSTALLABLE, installName } from "@thaw/installation/installable";
import { listReleases } from "@thaw/installation/releases";
import { orNear } from "../did-you-mean.ts";
import { print, printJson } from "../table.ts";
import { type ImageSettings, LayoutWriter, packLayout } from "./layout-writer.ts";

export interface BaseImageOptions {
  readonly tag?: string;
  readonly json: boolean;
}

interface Base {
  readonly runtime: string;
  /** A root file system. */
  readonly system: string;
  /** What `/var/lang` is; null: the language is part of the system. */
  readonly language: string | null;
  /** What `/var/runtime` is; null: the function brings it. */
  readonly client: string | null;
  /** Name of the file in runtimes/images that starts the client. */
  readonly bootstrap: string | null;
  /** Links in `/var/lang/bin`. */
  readonly programs: Readonly<Record<string, string>>;
}

/** What an OCI layout takes for a tag that registries take, too. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** What the set-up of the root left there, or is each machine's own. */
const LEFT_OUT = ["./.complete", "./etc/hostname", "./etc/machine-id", "./etc/resolv.conf"];
const EMPTIED = ["dev", "proc", "run", "sys", "tmp", "var/log", "var/task", "var/runtime", "var/lang"];
const OS_ONLY = ["provided.al2023", "provided.al2"];
const OURS = ["--sort=name", "--numeric-owner", "--owner=0", "--group=0", "--format=gnu"];
const LIBRARIES = "/lib64:/usr/lib64:/usr/lib/x86_64-linux-gnu:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib";

export async function writeBaseImage(
  runtime: string,
  destination: string,
  { tag: ownTag, json }: BaseImageOptions,
): Promise<void> {
  const base = findBase(runtime);
  const tag = ownTag ?? base.runtime;
  if (!TAG.test(tag)) throw new CommandError(`${tag} is no tag: letters, digits, "_", "." and "-", up to 128`);
  const path = resolve(destination);
  const isArchive = path.endsWith(".tar");
  if (!isArchive && existsSync(path) && readdirSync(path).length > 0 && !existsSync(join(path, "index.json")))
    throw new CommandError(`${path} has other files than an OCI image layout: name a new folder`);
  const scratch = await mkdtemp(join(isArchive ? dirname(path) : tmpdir(), ".thaw-base-"));
  let digest = "";
  try {
    const layout = isArchive ? join(scratch, "layout") : path;
    await LayoutWriter.open(layout, async (writer) => {
      await addLayers(writer, base, join(scratch, "own"));
      digest = await writer.finish(tag, settingsOf(base));
    });
    if (isArchive) await packLayout(layout, path);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const image = `${isArchive ? "oci-archive" : "oci"}:${path}:${tag}`;
  if (json) printJson({ runtime: base.runtime, image, digest });
  else print(`${image}\n${digest}\n`);
}

/** Throws a CommandError that says what to install where a part is missing. */
function findBase(runtime: string): Base {
  const runtimes = join(thawHomeOf(process.env), "runtimes");
  const clients = partsOf(process.env).clients;
  const installed = (name: string): string => {
    const [newest] = listReleases(runtimes, name);
    if (newest === undefined)
      throw new CommandError(`A base image of ${runtime} needs ${name}. Run: ${PROGRAM} runtimes install ${name}`);
    return join(runtimes, newest);
  };
  const none = { language: null, client: null, bootstrap: null, programs: {} };
  if (OS_ONLY.includes(runtime)) return { ...none, runtime, system: installed(BASE_SYSTEM) };
  const name = installName(runtime);
  if (name === null)
    throw new CommandError(
      `There is no base image of ${runtime}: expected one of ${[...INSTALLABLE, ...OS_ONLY].join(", ")}${orNear(runtime, [...INSTALLABLE, ...OS_ONLY])}`,
    );
  const client = join(clients, name.startsWith("java") ? "java" : name);
  if (name.startsWith("nodejs"))
    return {
      runtime: `${name}.x`,
      system: installed(BASE_SYSTEM),
      language: installed(name),
      client,
      bootstrap: "bootstrap-nodejs.sh",
      programs: {},
    };
  const system = installed(name);
  if (name.startsWith("java")) {
    const programs = { java: javaOf(system, name) };
    return { ...none, runtime: name, system, client, bootstrap: "bootstrap-java.sh", programs };
  }
  const programs = Object.fromEntries(["python", "python3", name].map((each) => [each, `/usr/bin/${name}`]));
  return { ...none, runtime: name, system, client, bootstrap: "bootstrap-python.sh", programs };
}

function javaOf(system: string, name: string): string {
  const wanted = `java-${name.replace("java", "")}-`;
  const home = readdirSync(join(system, "usr/lib/jvm")).find((each) => each.startsWith(wanted));
  if (home === undefined) throw new CommandError(`${system} has no ${name}: install it anew`);
  return `/usr/lib/jvm/${home}/bin/java`;
}

async function addLayers(writer: LayoutWriter, base: Base, own: string): Promise<void> {
  const excluded = [...LEFT_OUT, ...EMPTIED.map((name) => `./${name}/*`)].map((each) => `--exclude=${each}`);
  const whole = ["--sort=name", "--numeric-owner", "--format=gnu", "--anchored", "--wildcards"];
  await writer.addLayer([...whole, ...excluded, "-C", base.system, "."]);
  // Links keep what they name.
  const below = (folder: string): string => `--transform=flags=rSh;s#^\\.#${folder}#`;
  if (base.language !== null)
    await writer.addLayer([...OURS, "--exclude=./.complete", below("var/lang"), "-C", base.language, "."]);
  if (base.client !== null)
    await writer.addLayer([...OURS, "--exclude=./.recipe", below("var/runtime"), "-C", base.client, "."]);
  writeOwnFiles(base, own);
  await writer.addLayer([...OURS, "--mtime=@0", "-C", own, "."]);
}

function writeOwnFiles({ runtime, bootstrap, programs }: Base, dir: string): void {
  const from = join(ROOT, "runtimes/images");
  const write = (path: string, source: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), readFileSync(join(from, source), "utf8").replace("@RUNTIME@", runtime));
    chmodSync(join(dir, path), 0o755);
  };
  const linkTo = (path: string, target: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    symlinkSync(target, join(dir, path));
  };
  write("lambda-entrypoint.sh", "lambda-entrypoint.sh");
  if (bootstrap !== null) {
    write("var/runtime/bootstrap", bootstrap);
    write("var/runtime/start.sh", "start.sh");
  }
  for (const folder of ["opt", "var/lang/bin", "var/runtime", "var/task"])
    mkdirSync(join(dir, folder), { recursive: true });
  for (const [name, program] of Object.entries(programs)) linkTo(join("var/lang/bin", name), program);
  // Amazon Linux has bash there.
  linkTo("usr/bin/sh", "bash");
  chmodTree(dir);
}

/** Whatever the caller's umask was, all may read. */
function chmodTree(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) chmodTree(join(dir, entry.name));
}

/** AWS's base images set these; their PATH and library folders are those of the managed runtimes. */
function settingsOf({ client }: Base): ImageSettings {
  const isManaged = client !== null;
  const variables = {
    LANG: "en_US.UTF-8",
    TZ: ":/etc/localtime",
    PATH: `${isManaged ? "/var/lang/bin:" : ""}/usr/local/bin:/usr/bin/:/bin:/opt/bin`,
    // Debian's folder goes before those of the function, as on AWS /lib64 does, where the libraries are there.
    LD_LIBRARY_PATH: `${isManaged ? "/var/lang/lib:" : ""}${LIBRARIES}:/opt/lib`,
    LAMBDA_TASK_ROOT: "/var/task",
    LAMBDA_RUNTIME_DIR: "/var/runtime",
  };
  return {
    Entrypoint: ["/lambda-entrypoint.sh"],
    WorkingDir: "/var/task",
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
  };
}

/**
 * The scanners that are programs of their own: python3 on scanners/python, java on scanners/dist/java. They answer with
 * JSON lines.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { ROOT, SETUP } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { JAVA_SOURCES } from "./catalog/java.ts";
import { PYTHON_SOURCES } from "./catalog/python.ts";
import { type SourceGroup, toLines } from "./catalog/source.ts";
import type { RawFinding, RawScan } from "./finding.ts";

export interface ScannerOptions {
  readonly handler: string | null;
  readonly withDependencies: boolean;
}

type Message =
  | ({ readonly type: "finding" } & RawFinding)
  | { readonly type: "problem"; readonly file: string; readonly message: string }
  | { readonly type: "handler"; readonly name: string }
  | { readonly type: "done"; readonly files: number };

const SCANNERS = join(ROOT, "scanners");
/** A scan reads a few thousand files at most; one that takes this long will not end. */
const TIMEOUT_MS = 300_000;

export function scanPython(root: string, options: ScannerOptions): Promise<RawScan> {
  return run(
    findProgram("python3", []),
    ["-B", "-s", join(SCANNERS, "python/scan.py"), root, ...toArguments(options)],
    PYTHON_SOURCES,
  );
}

export function scanJava(root: string, options: ScannerOptions): Promise<RawScan> {
  const jars = join(SCANNERS, "dist/java");
  if (!existsSync(join(jars, "scanner.jar"))) throw new CommandError(`the Java scanner is not built. Run: ${SETUP}`);
  const flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss8m", "-cp", join(jars, "*"), "dev.thaw.scan.Main"];
  return run(findProgram("java", javaHomes()), [...flags, root, ...toArguments(options)], JAVA_SOURCES);
}

function toArguments({ handler, withDependencies }: ScannerOptions): string[] {
  return [...(handler === null ? [] : ["--handler", handler]), ...(withDependencies ? ["--dependencies"] : [])];
}

function javaHomes(): string[] {
  const home = process.env["JAVA_HOME"];
  const installed = existsSync("/usr/lib/jvm")
    ? readdirSync("/usr/lib/jvm").map((name) => join("/usr/lib/jvm", name, "bin"))
    : [];
  return [...(home === undefined ? [] : [join(home, "bin")]), ...installed];
}

function findProgram(name: string, more: readonly string[]): string {
  for (const dir of [...(process.env["PATH"] ?? "").split(delimiter), ...more])
    if (existsSync(join(dir, name))) return join(dir, name);
  throw new CommandError(`${name} is needed to scan this code and is not on this machine`);
}

async function run(program: string, args: readonly string[], sources: readonly SourceGroup[]): Promise<RawScan> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT_MS });
  const closed = new Promise<number | null>((done, failed) => {
    child.on("error", failed);
    child.on("close", done);
  });
  // A child that ends early says why on standard error; that it no longer reads is no news.
  child.stdin.on("error", () => undefined);
  child.stdin.end(toLines(sources));
  const [output, complaints, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  const messages = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Message);
  const done = messages.find((message) => message.type === "done");
  if (code !== 0 || done?.type !== "done")
    throw new CommandError(`${program} failed (${code}): ${complaints.trim().split("\n").slice(-3).join(" ")}`);
  return {
    findings: messages.filter((message) => message.type === "finding"),
    handlers: messages.filter((message) => message.type === "handler").map(({ name }) => name),
    problems: messages.filter((message) => message.type === "problem"),
    files: done.files,
  };
}

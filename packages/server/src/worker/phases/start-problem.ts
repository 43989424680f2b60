/**
 * A program that could not be started: AWS's error, in the words of Go's os/exec, which AWS's environment is written
 * in (aws-lambda-runtime-interface-emulator, rapidcore/bootstrap and supervisor), and a sentence of ours for the log
 * that says what is wrong with the file. The errno alone leaves that open: ENOENT, for one, is said of a script whose
 * interpreter is missing.
 */
import type { ProgramFound, SpawnFailedError } from "../../ports/supervisor.ts";
import type { ExitFailure } from "../function-errors.ts";

/** Errnos as Go prints them. */
export const GO_TEXT: Readonly<Record<string, string>> = {
  E2BIG: "argument list too long",
  EACCES: "permission denied",
  EAGAIN: "resource temporarily unavailable",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELIBBAD: "accessing a corrupted shared library",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENFILE: "too many open files in system",
  ENOENT: "no such file or directory",
  ENOEXEC: "exec format error",
  ENOMEM: "cannot allocate memory",
  ENOTDIR: "not a directory",
  EPERM: "operation not permitted",
  ETXTBSY: "text file busy",
};

/** Machines of ELF headers, by the names that AWS gives architectures where it has one. */
const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: "32-bit x86",
  40: "32-bit ARM",
  62: "x86_64",
  183: "arm64",
  243: "RISC-V",
};
const HOST_MACHINES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "arm64" };
const ELF_TYPE_OBJECT = 1;

/** First bytes of files that are no programs here. */
const FOREIGN_FORMATS: ReadonlyArray<readonly [string, string]> = [
  ["cffaedfe", "a program for macOS"],
  ["feedfacf", "a program for macOS"],
  ["cafebabe", "a program for macOS, or a Java class"],
  ["4d5a", "a program for Windows"],
  ["504b0304", "a zip archive"],
  ["1f8b", "a gzip archive"],
];

/** Where AWS looks for the program of a custom runtime. */
const BOOTSTRAPS = "/var/task/bootstrap /opt/bootstrap";

/** False where there is no such program, and AWS looks at the next place: it passes over a folder of the name, too. */
export function isProgramThere(failed: SpawnFailedError): boolean {
  const kind = failed.program?.kind ?? (failed.code === "ENOENT" ? "missing" : "file");
  return kind === "file" || kind === "other";
}

/** Makes the failure of a runtime that could not be started. `isCustom`: by its own bootstrap. */
export function startFailure(path: string, isCustom: boolean, failed: SpawnFailedError): ExitFailure {
  const message = isProgramThere(failed)
    ? `fork/exec ${path}: ${GO_TEXT[failed.code] ?? failed.code}`
    : `Couldn't find valid bootstrap(s): [${isCustom ? BOOTSTRAPS : path}]`;
  return { kind: "exit", errorType: "Runtime.InvalidEntrypoint", message };
}

/** Says what is wrong with a program, for the log; null where nothing more is known than the errno. */
export function explainStart(path: string, { code, program }: SpawnFailedError, arch: string): string | null {
  if (program === null) return null;
  switch (program.kind) {
    case "missing":
      return `${path} is not there.`;
    case "link":
      return `${path} is a link to something that is not there.`;
    case "directory":
      return `${path} is a folder, not a program.`;
    case "other":
      return `${path} is neither a file nor a folder.`;
    case "file":
      return explainFile(path, code, program, arch);
  }
}

function explainFile(path: string, code: string, { mode, head }: ProgramFound, arch: string): string | null {
  if (code === "EACCES" && (mode & 0o001) === 0)
    return `${path} is not executable for everybody (its mode is 0${mode.toString(8)}): run chmod 755 before packing it.`;
  if (head === null) return null;
  if (head.length === 0) return `${path} is empty.`;
  const text = head.toString("latin1");
  if (text.startsWith("#!")) return explainScript(path, code, text);
  if (text.startsWith("\u00ef\u00bb\u00bf#!"))
    return `${path} begins with a byte order mark, which hides its #!: save it as UTF-8 without one.`;
  if (text.startsWith("\u007fELF")) return explainElf(path, code, head, arch);
  const foreign = FOREIGN_FORMATS.find(([magic]) => head.toString("hex").startsWith(magic));
  if (foreign !== undefined) return `${path} is ${foreign[1]}: build it for Linux on ${machineOf(arch)}.`;
  if (code !== "ENOEXEC") return null;
  return `${path} is neither a Linux program nor a script whose first line names its interpreter, such as #!/bin/sh.`;
}

function explainScript(path: string, code: string, text: string): string | null {
  const line = text.slice(2).split("\n", 1)[0] ?? "";
  if (line.includes("\r"))
    return `The first line of ${path} ends in a carriage return, as Windows writes it, and so names an interpreter that is not there: save it with Unix line ends.`;
  const interpreter = line.trim().split(/[ \t]/, 1)[0] ?? "";
  if (interpreter === "") return `The first line of ${path} names no interpreter after #!.`;
  const named = `The first line of ${path} names the interpreter ${JSON.stringify(interpreter)}, which`;
  if (code === "ENOENT") return `${named} is not there in this runtime.`;
  if (code === "EACCES") return `${named} can't be executed.`;
  return code === "ENOEXEC" ? `${named} is no program.` : null;
}

function explainElf(path: string, code: string, head: Buffer, arch: string): string | null {
  if (head.length < 20) return `${path} is a program that was cut off after ${head.length} bytes.`;
  const isBigEndian = head[5] === 2;
  const type = isBigEndian ? head.readUInt16BE(16) : head.readUInt16LE(16);
  const number = isBigEndian ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const machine = ELF_MACHINES[number] ?? `another machine (number ${number})`;
  if (machine !== machineOf(arch))
    return `${path} is a program for ${machine}, and this host is ${machineOf(arch)}: build it for that.`;
  if (type === ELF_TYPE_OBJECT) return `${path} is an object file, which was not linked to a program.`;
  if (code === "ENOENT")
    return `${path} needs a program loader that is not there in this runtime, such as musl's: link it statically, or against glibc.`;
  return code === "ENOEXEC" || code === "ELIBBAD" ? `${path} is a damaged program.` : null;
}

function machineOf(arch: string): string {
  return HOST_MACHINES[arch] ?? arch;
}

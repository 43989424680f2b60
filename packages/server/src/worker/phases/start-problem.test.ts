import { describe, it } from "vitest";
import { type ProgramFound, SpawnFailedError } from "../../ports/supervisor.ts";
import { explainStart, startFailure } from "./start-problem.ts";

const PATH = "/var/task/bootstrap";

function failed(code: string, program: Partial<ProgramFound> | string | Buffer | null): SpawnFailedError {
  if (program === null) return new SpawnFailedError(code);
  const found: Partial<ProgramFound> =
    typeof program === "string" || Buffer.isBuffer(program) ? { head: Buffer.from(program as string) } : program;
  return new SpawnFailedError(code, { kind: "file", mode: 0o755, head: Buffer.alloc(0), ...found });
}

function elf(machine: number, type = 2): Buffer {
  const header = Buffer.alloc(64);
  header.write("\u007fELF\u0002\u0001\u0001", "latin1");
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(machine, 18);
  return header;
}

describe("AWS's error", () => {
  it.for<[string, string, Partial<ProgramFound> | null]>([
    ["Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", "ENOENT", null],
    ["Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", "ENOENT", { kind: "missing" }],
    ["Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", "ENOENT", { kind: "link" }],
    ["Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", "EACCES", { kind: "directory" }],
    ["fork/exec /var/task/bootstrap: permission denied", "EACCES", { mode: 0o644 }],
    ["fork/exec /var/task/bootstrap: permission denied", "EACCES", { kind: "other" }],
    ["fork/exec /var/task/bootstrap: no such file or directory", "ENOENT", {}],
    ["fork/exec /var/task/bootstrap: exec format error", "ENOEXEC", {}],
    ["fork/exec /var/task/bootstrap: ESTRANGE", "ESTRANGE", {}],
  ])("%s: %s of %o", ([message, code, program], { expect }) => {
    const failure = startFailure(PATH, true, failed(code, program));
    expect(failure).toEqual({ kind: "exit", errorType: "Runtime.InvalidEntrypoint", message });
  });
});

describe("our sentence", () => {
  it.for<[RegExp, string, Partial<ProgramFound> | string | Buffer]>([
    [/bootstrap is not there/, "ENOENT", { kind: "missing" }],
    [/is a link to something that is not there/, "ENOENT", { kind: "link" }],
    [/is a folder, not a program/, "EACCES", { kind: "directory" }],
    [/is neither a file nor a folder/, "EACCES", { kind: "other" }],
    [/not executable for everybody \(its mode is 0644\): run chmod 755/, "EACCES", { mode: 0o644 }],
    [/not executable for everybody \(its mode is 0700\)/, "EACCES", { mode: 0o700 }],
    [/is empty/, "ENOEXEC", ""],
    [/ends in a carriage return.*save it with Unix line ends/, "ENOENT", "#!/bin/sh\r\necho\r\n"],
    [/names the interpreter "\/usr\/bin\/nope", which is not there/, "ENOENT", "#! /usr/bin/nope -x\n"],
    [/names the interpreter "\/etc\/passwd", which can't be executed/, "EACCES", "#!/etc/passwd\n"],
    [/names no interpreter/, "ENOEXEC", "#!\necho\n"],
    [/byte order mark/, "ENOEXEC", "\ufeff#!/bin/sh\n"],
    [/neither a Linux program nor a script whose first line names/, "ENOEXEC", "echo hello\n"],
    [/is a program for arm64, and this host is x86_64/, "ENOEXEC", elf(183)],
    [/is a program for another machine \(number 22\)/, "ENOEXEC", elf(22)],
    [/needs a program loader .* such as musl's/, "ENOENT", elf(62)],
    [/is an object file/, "ENOEXEC", elf(62, 1)],
    [/is a damaged program/, "ENOEXEC", elf(62)],
    [/was cut off after 6 bytes/, "ENOEXEC", elf(62).subarray(0, 6)],
    [/is a program for macOS/, "ENOEXEC", Buffer.from("cffaedfe0c", "hex")],
    [/is a program for Windows/, "ENOEXEC", "MZ\u0000"],
    [/is a zip archive/, "ENOEXEC", "PK\u0003\u0004"],
  ])("%s", ([sentence, code, program], { expect }) => {
    expect(explainStart(PATH, failed(code, program), "x64")).toMatch(sentence);
  });

  it("is left out where nothing is known", ({ expect }) => {
    expect(explainStart(PATH, failed("ENOENT", null), "x64")).toBeNull();
    expect(explainStart(PATH, failed("ENOMEM", "#!/bin/sh\n"), "x64")).toBeNull();
  });
});

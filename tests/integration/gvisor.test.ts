// matrix: builds gVisor, for two and a half minutes of a processor where it is not built yet
/** `thaw engines install gvisor` and what tells of it, with the real build. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { GVISOR_HOME, noGvisor } from "../support/gvisor.ts";

const PINNED = /^require gvisor\.dev\/gvisor (\S+)$/m.exec(
  readFileSync(join(REPOSITORY, "tools/gvisor/go.mod"), "utf8"),
)?.[1];

/** A program that has it needs a loader, which a root of its own need not have. */
const PT_INTERP = 3;

async function thaw(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runThaw(args, { ...process.env, THAW_HOME: GVISOR_HOME });
  if (code !== 0) throw new Error(`thaw ${args.join(" ")}: ${code}\n${stderr}`);
  return stdout;
}

/** Types of the program headers of an ELF file of 64 bits. */
function readHeaderTypes(path: string): readonly number[] {
  const file = readFileSync(path);
  const offset = Number(file.readBigUInt64LE(32));
  const [size, count] = [file.readUInt16LE(54), file.readUInt16LE(56)];
  return Array.from({ length: count }, (_each, index) => file.readUInt32LE(offset + index * size));
}

describe.skipIf(noGvisor !== null)(`gVisor${noGvisor === null ? "" : ` (skipped: ${noGvisor})`}`, () => {
  it("is built of its pinned modules, once, and nothing but the program stays", async ({ expect }) => {
    expect(await thaw("engines", "install", "gvisor")).toBe(
      "gVisor is on this host; no server of this version can run functions in it yet.\n",
    );
    const directory = join(GVISOR_HOME, "engines/gvisor");
    const built = readFileSync(join(directory, ".recipe"), "utf8");
    expect(readdirSync(directory).toSorted()).toEqual([".recipe", "runsc"]);
    expect(existsSync(`${directory}.new`)).toBe(false);
    const runsc = join(directory, "runsc");
    expect(execFileSync(runsc, ["--version"], { encoding: "utf8" })).toContain(`runsc version ${PINNED}\n`);
    expect(readHeaderTypes(runsc)).not.toContain(PT_INTERP);
    await thaw("engines", "install", "gvisor");
    expect(readFileSync(join(directory, ".recipe"), "utf8")).toBe(built);
  });

  it("is shown, and said to be of no use yet", async ({ expect }) => {
    const rows = JSON.parse(await thaw("--json", "engines", "ls")) as ReadonlyArray<Readonly<Record<string, unknown>>>;
    expect(rows).toContainEqual(expect.objectContaining({ name: "gvisor", state: "installed", canBeChosen: false }));
    expect(await thaw("engines", "ls")).toMatch(
      /^gvisor +installed +a kernel of its own .*can run functions in it yet$/m,
    );
  });
});

/** thaw engines ls | install: what keeps functions and the host apart. */
import { PROGRAM, ROOT, SETUP, partsOf } from "@thaw/installation";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { type EngineState, GVISOR, GVISOR_NOT_YET, gvisorState } from "@thaw/installation/engines";
import { formatTable, print, printJson } from "./table.ts";

interface EngineRow {
  readonly name: string;
  readonly state: EngineState;
  /** True where `thaw serve --engine` takes it. */
  readonly canBeChosen: boolean;
  readonly note: string;
}

export function listEngines(json: boolean): void {
  const rows = describeEngines();
  if (json) printJson(rows);
  else
    print(
      formatTable(
        ["ENGINE", "ON THIS HOST", "NOTE"],
        rows.map(({ name, state, note }) => [name, state, note]),
      ),
    );
}

export async function installEngine(name: string): Promise<void> {
  if (name !== GVISOR) throw new CommandError(`${name} can't be installed: ${whyNot(name)}`);
  const child = spawn("sh", [join(ROOT, "tools/install-gvisor.sh")], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new CommandError("gVisor could not be installed; its messages are above.");
  print(`gVisor is on this host; ${GVISOR_NOT_YET}.\n`);
}

function describeEngines(): readonly EngineRow[] {
  const hasCriu = existsSync(partsOf(process.env).criu);
  return [
    {
      name: "criu",
      state: hasCriu ? "installed" : "missing",
      canBeChosen: true,
      note: `the default: clones of snapshots${hasCriu ? "" : `; ${SETUP} brings it`}`,
    },
    { name: "process", state: "installed", canBeChosen: true, note: "the same sandboxes, no snapshots" },
    { name: GVISOR, state: gvisorState(process.env), canBeChosen: false, note: gvisorNote() },
  ];
}

function gvisorNote(): string {
  const install = { missing: "installs it", old: "builds it as this version wants it", installed: null };
  const what = install[gvisorState(process.env)];
  const note = `a kernel of its own for each sandbox; ${GVISOR_NOT_YET}`;
  return what === null ? note : `${note}; ${PROGRAM} engines install ${GVISOR} ${what}`;
}

function whyNot(name: string): string {
  if (name === "criu") return `it comes with Thaw: ${SETUP}`;
  if (name === "process") return "it is always there";
  return `expected ${GVISOR}`;
}

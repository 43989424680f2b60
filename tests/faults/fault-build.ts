/** Builds of sandboxd and the pager with their fault points, and a server that has its own. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { partsOf } from "@thaw/installation";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { FaultControl } from "./fault-control.ts";

export const FAULT_BINARIES = join(REPOSITORY, "target/x86_64-unknown-linux-gnu/faults");
/** The server's user may find the repository elsewhere than we do: what it loads is named from its own program. */
const ENTRY = 'await import(new URL("../../../../tests/faults/server-entry.ts", "file://" + process.argv[1]))';
/** The first build; afterwards cargo only looks. */
export const BUILD_TIMEOUT_MS = 600_000;

/** Builds sandboxd and the pager with all that a release leaves out (fault points, stock CRIU), beside the release. */
export function buildFaultBinaries(): void {
  const packages = ["thaw-sandboxd", "thaw-pager", "thaw-supervisor"].flatMap((name) => ["-p", name]);
  const features = ["--features", "thaw-sandboxd/fault-points,thaw-sandboxd/bench,thaw-pager/fault-points"];
  execFileSync("cargo", ["build", "--locked", "--profile", "faults", ...packages, ...features], {
    cwd: REPOSITORY,
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** Variables with which Rust programs run that have fault points, under this control. */
export function faultyPrograms(control: FaultControl): Readonly<Record<string, string>> {
  return { THAW_BINARIES: FAULT_BINARIES, THAW_CRIU: partsOf(process.env).criu, THAW_FAULTS: control.dir };
}

/** Variables with which `startThaw` gives a server with fault points in all three kinds of process. */
export function faultyServer(control: FaultControl): Readonly<Record<string, string>> {
  return {
    ...faultyPrograms(control),
    // Modules are exchanged, which a bundle has no more.
    THAW_PROGRAMS: "sources",
    // Every clone is restored for the invoke that asks for it.
    THAW_PARKED_CLONES_MAX: "0",
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=data:text/javascript,${encodeURIComponent(ENTRY)}`,
  };
}

/** Engines that are installed by themselves, as tools/install-gvisor.sh does, and where they then are. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, thawHomeOf } from "./index.ts";

/** `old`: built by another recipe than this installation has. */
export type EngineState = "missing" | "old" | "installed";

export const GVISOR = "gvisor";
/** No server of this version has an engine for it: `--engine` refuses it. Messages end with this. */
export const GVISOR_NOT_YET = "no server of this version can run functions in it yet";

/** In the order of tools/install-gvisor.sh. */
const RECIPE = ["tools/gvisor/go.mod", "tools/gvisor/go.sum", "tools/gvisor/pin.go", "tools/install-gvisor.sh"];

type Env = Readonly<Record<string, string | undefined>>;

/** Tells whether runsc is there, by the same digest as the script that installs it. */
export function gvisorState(env: Env): EngineState {
  const directory = join(thawHomeOf(env), "engines", GVISOR);
  if (!existsSync(join(directory, "runsc"))) return "missing";
  const recipe = join(directory, ".recipe");
  return existsSync(recipe) && readFileSync(recipe, "utf8").trim() === recipeNow() ? "installed" : "old";
}

function recipeNow(): string {
  const hash = createHash("sha256");
  for (const name of RECIPE) hash.update(readFileSync(join(ROOT, name)));
  return hash.digest("hex").slice(0, 16);
}

/** Exports of a stack, against those of others and those who import them. */
import type { Output, RunContext } from "./run.ts";

/** What keeps a stack from having these outputs, in AWS's words; null: nothing. */
export function exportProblem(outputs: readonly Output[], context: RunContext): string | null {
  const own = new Map(outputs.flatMap(({ exportName, value }) => (exportName === null ? [] : [[exportName, value]])));
  const double = outputs.find(({ exportName }, at) => outputs.findIndex((each) => each.exportName === exportName) < at);
  if (double !== undefined && double.exportName !== null)
    return `Export with name ${double.exportName} is exported twice by the stack.`;
  for (const name of own.keys()) {
    const other = context.foreignExports.get(name);
    if (other !== undefined) return `Export with name ${name} is already exported by stack ${other}.`;
  }
  for (const [name, value] of context.ownExports) {
    const users = context.importers.get(name) ?? [];
    if (users.length === 0 || own.get(name) === value) continue;
    return inUse(name, own.has(name) ? "updated" : "deleted", users);
  }
  return null;
}

/** What keeps a stack from being deleted; null: nothing. */
export function exportsInUse({ ownExports, importers }: RunContext): string | null {
  for (const name of ownExports.keys()) {
    const users = importers.get(name) ?? [];
    if (users.length > 0) return inUse(name, "deleted", users);
  }
  return null;
}

function inUse(name: string, what: "deleted" | "updated", users: readonly string[]): string {
  return `Export ${name} cannot be ${what} as it is in use by ${users.join(", ")}`;
}

/** thaw diff [TEMPLATE]: what `thaw deploy` would change, each property before and after; nothing is changed. */
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { review, type ReviewOptions } from "./review.ts";
import { describeDifferences, listChanges } from "./show-changes.ts";
import { discard } from "./stack.ts";

export interface DiffOptions extends ReviewOptions {
  /** True: the exit status is 1 where something differs. */
  readonly exitCode?: boolean;
  readonly json: boolean;
}

export async function diff(connection: Connection, given: string | undefined, options: DiffOptions): Promise<void> {
  const { clients, changeSet, stackName, recorded } = await review(connection, given, options, {
    isDeploying: false,
    built: new Map(),
    removeFailed: () => Promise.reject(new CommandError("nothing is removed to see differences")),
  });
  if (!changeSet.isEmpty) await discard(clients, changeSet);
  const { changes, isEmpty, isNewStack } = changeSet;
  if (options.json) printJson({ stackName, isNewStack, isChanged: !isEmpty, changes });
  else if (isEmpty) print(`the stack ${stackName} is as the template says\n`);
  else {
    const heads = listChanges(changes, recorded);
    const lines = changes.flatMap((change, at) => [heads[at] ?? "", ...describeDifferences(change)]);
    if (lines.length === 0) lines.push("  outputs, tags or metadata of the stack differ");
    print(`the stack ${stackName} ${isNewStack ? "is new" : "differs"}:\n${lines.join("\n")}\n`);
  }
  if (!isEmpty && options.exitCode === true) process.exitCode = 1;
}

/** Names that somebody may have meant, found by commander, which has the measure for its commands and options. */
import { Command, Option } from "commander";

/** A name that is longer was not mistyped. */
const LENGTH_MAX = 256;

/** "Did you mean x?", also of several; null: nothing is near. */
export function didYouMean(word: string, names: readonly string[]): string | null {
  // Options are compared otherwise; none of the names is one.
  if (word.startsWith("-") || word.length > LENGTH_MAX) return null;
  const known = new Command()
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const name of new Set(names)) known.addCommand(new Command(name));
  try {
    known.parse([word], { from: "user" });
    return null;
  } catch (error) {
    return /Did you mean [^)]*\?/.exec((error as Error).message)?.[0] ?? null;
  }
}

/** The same as the end of a sentence; empty where nothing is near. */
export function orNear(word: string, names: readonly string[]): string {
  const near = didYouMean(word, names);
  return near === null ? "" : `. ${near}`;
}

/** An option of these values; a wrong one is told with the one that was meant. */
export function choiceOf(flags: string, description: string, names: readonly string[]): Option {
  const option = new Option(flags, description).choices([...names]);
  const parse = option.parseArg;
  return option.argParser((value: string, before: unknown) => {
    try {
      return parse?.(value, before);
    } catch (error) {
      (error as Error).message += orNear(value, names).replace(/^\./, "");
      throw error;
    }
  });
}

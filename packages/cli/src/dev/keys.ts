/** Keys of `thaw dev`, where there is a terminal. */

export interface Key {
  readonly about: string;
  readonly run: () => void | Promise<void>;
}

/** Ctrl-C and Ctrl-D, which come as characters here. */
const ENDING = ["\u0003", "\u0004"];

/** Listens until the function that it gives is called. `end`: of `q`, and of Ctrl-C. */
export function listenForKeys(
  keys: Readonly<Record<string, Key>>,
  end: () => void,
  failed: (error: unknown) => void,
): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  const onKeys = (typed: Buffer): void => {
    for (const key of typed.toString("latin1")) {
      if (key === "q" || ENDING.includes(key)) end();
      else if (Object.hasOwn(keys, key)) Promise.resolve(keys[key]?.run()).catch(failed);
    }
  };
  stdin.setRawMode(true).on("data", onKeys);
  return () => void stdin.off("data", onKeys).setRawMode(false).pause();
}

export function describeKeys(keys: Readonly<Record<string, Key>>): string {
  return [...Object.entries(keys).map(([key, { about }]) => `${key} ${about}`), "q ends"].join("   ");
}

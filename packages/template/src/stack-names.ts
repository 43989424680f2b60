/** Names of stacks, and what is made of a folder's. */

const LENGTH_MAX = 128;
const NAME = /^[A-Za-z][A-Za-z0-9-]*$/;

export function isStackName(name: string): boolean {
  return NAME.test(name) && name.length <= LENGTH_MAX;
}

/** Makes a stack's name out of a folder's. */
export function toStackName(folder: string): string {
  const plain = folder
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9-]+/g, "-")
    .slice(0, LENGTH_MAX - 6)
    .replace(/^-+/, "")
    .replace(/-+$/, "");
  if (plain === "") return "stack";
  return NAME.test(plain) ? plain : `stack-${plain}`;
}

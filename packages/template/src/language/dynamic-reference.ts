/** Dynamic references: values that CloudFormation fetches from SSM or Secrets Manager. */
const BEGIN = "{{resolve:";

/** The first one in a text, without what a secret's name could give away beyond its place; null: there is none. */
export function dynamicReference(text: string): string | null {
  const at = text.indexOf(BEGIN);
  if (at === -1) return null;
  const end = text.indexOf("}}", at);
  return end === -1 ? null : text.slice(at, end + 2);
}

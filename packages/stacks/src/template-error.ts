import type { Report } from "@thaw/template/problem";

/** Says what AWS's ValidationError says: the template, or what was given for it, is not taken. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const SELECT = /^has Fn::Select that (cannot select nonexistent value at index .*)$/s;

/** Throws for what is found. What Thaw does not have is an error, too: nothing is made of half a template. */
export const STRICT: Report = {
  error: (place, reason) => {
    throw new TemplateError(sentence(place, reason));
  },
  unsupported: (place, reason) => {
    throw new TemplateError(sentence(place, reason));
  },
  note: () => {},
};

/** Two blanks: AWS's text has them. */
function sentence(place: string, reason: string): string {
  const select = SELECT.exec(reason)?.[1];
  return select === undefined ? `Template error: ${place} ${reason}` : `Template error: Fn::Select  ${select}`;
}

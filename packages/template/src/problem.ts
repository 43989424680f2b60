/** What the reading of a template has to say, by its place in the template. */

/** A part of a template that has no meaning here, or is wrong. */
export interface Problem {
  /** Path in the template, such as `Resources.Orders.Events`. */
  readonly place: string;
  /** Predicate of a sentence whose subject is the place, such as "is not supported". */
  readonly reason: string;
  /** `error`: CloudFormation would refuse the template too. `unsupported`: Thaw does not have it. */
  readonly kind: "error" | "unsupported";
}

/** A part of a template that is left out without harm, or a value that may surprise. Nothing is refused for it. */
export interface Note {
  readonly place: string;
  /** Predicate of a sentence whose subject is the place. */
  readonly text: string;
}

/** Takes what is found while a template is read. */
export interface Report {
  /** CloudFormation would refuse the template, too. */
  error(place: string, reason: string): void;
  /** Thaw does not have it. */
  unsupported(place: string, reason: string): void;
  note(place: string, text: string): void;
}

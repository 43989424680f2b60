/** A part of a template that has no meaning here, or can't be resolved. */
export interface Problem {
  /** Path in the template, such as `Resources.Orders.Events`. */
  readonly place: string;
  /** Predicate of a sentence whose subject is the place, such as "is not supported". */
  readonly reason: string;
}

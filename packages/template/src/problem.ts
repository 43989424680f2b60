/** A place of a template that has no meaning here, and why. */
export interface Problem {
  /** `Resources.Orders.Events` */
  readonly place: string;
  readonly reason: string;
}

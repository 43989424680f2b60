/** Work on a template in steps: between two of them whoever carries it out may let others have their turn. */
export type Steps<T> = Generator<void, T>;

/** Carries all of it out at once. */
export function finish<T>(steps: Steps<T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

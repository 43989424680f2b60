import type { Socket } from "node:net";

/** Hands on what comes from each of two connections to the other. Where one breaks, both end. */
export function joinBoth(one: Socket, other: Socket): void {
  const end = (): void => {
    one.destroy();
    other.destroy();
  };
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const)
    from.on("error", end).on("close", end).pipe(to);
}

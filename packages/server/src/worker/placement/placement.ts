/**
 * The place of an invoke: a pure decision over the environments that the worker has. No I/O, no time.
 * Warm environments are used last in, first out, so that the surplus grows old and is shut down.
 */
import type { EnvironmentId } from "../../base/ids.ts";
import type { EnvironmentView } from "../environment/view.ts";
import type { HostLimits } from "../worker-services.ts";

export interface PlacementRequest {
  readonly functionName: string;
  readonly runKey: string;
  readonly memorySizeMib: number;
  /** Invokes of the same runKey that already wait for a finishing environment. */
  readonly waiting: number;
  /** False once the request has waited in vain. */
  readonly mayWait: boolean;
}

export type Placement =
  | { readonly kind: "reuse"; readonly environmentId: EnvironmentId }
  | { readonly kind: "wait" }
  /** A new environment is made after these have been shut down. */
  | { readonly kind: "create"; readonly evict: readonly EnvironmentId[] }
  | { readonly kind: "throttle" };

export function placeInvoke(
  environments: readonly EnvironmentView[],
  request: PlacementRequest,
  limits: HostLimits,
): Placement {
  let newest: EnvironmentView | null = null;
  let parked: EnvironmentView | null = null;
  let finishing = 0;
  for (const environment of environments) {
    if (environment.runKey !== request.runKey) continue;
    if (environment.availability === "finishing") finishing++;
    if (environment.availability === "parked") parked ??= environment;
    if (environment.availability !== "idle") continue;
    if (newest === null || isUsedBefore(environment, newest)) newest = environment;
  }
  if (newest !== null) return { kind: "reuse", environmentId: newest.environmentId };
  if (request.mayWait && finishing > request.waiting) return { kind: "wait" };
  if (!isWithinShare(environments, request, limits)) return { kind: "throttle" };
  if (parked !== null) return { kind: "reuse", environmentId: parked.environmentId };
  const evict = chooseEvictions(environments, request.memorySizeMib, limits);
  return evict === null ? { kind: "throttle" } : { kind: "create", evict };
}

/** Orders idle environments: provisioned ones first, then the one that became idle last. */
function isUsedBefore(a: EnvironmentView, b: EnvironmentView): boolean {
  return a.isProvisioned === b.isProvisioned ? a.idleOrder > b.idleOrder : a.isProvisioned;
}

/**
 * Says whether a function stays within its share. It may have `share / (1 - share)` times what is free after it: alone
 * it comes to its share, and the more there are that want all, the less each gets, but never nothing. Idle environments
 * are free: they make room.
 */
function isWithinShare(
  environments: readonly EnvironmentView[],
  request: PlacementRequest,
  limits: HostLimits,
): boolean {
  if (limits.functionShareMax >= 1) return true;
  const busy = environments.filter(
    (environment) =>
      environment.isProvisioned || (environment.availability !== "idle" && environment.availability !== "parked"),
  );
  const own = busy.filter(
    (environment) => environment.functionName === request.functionName && !environment.isProvisioned,
  );
  if (own.length === 0) return true;
  const factor = limits.functionShareMax / (1 - limits.functionShareMax);
  const memoryOf = (views: readonly EnvironmentView[]): number =>
    views.reduce((sum, view) => sum + view.memorySizeMib, request.memorySizeMib);
  const isCountFair = own.length + 1 <= factor * (limits.environmentsMax - busy.length - 1);
  return isCountFair && memoryOf(own) <= factor * (limits.memoryMaxMib - memoryOf(busy));
}

/**
 * Chooses parked clones, then the longest idle environments, as many as must go to make room. Null when even all of
 * them are not enough.
 */
export function chooseEvictions(
  environments: readonly EnvironmentView[],
  memorySizeMib: number,
  limits: HostLimits,
): readonly EnvironmentId[] | null {
  let count = environments.length + 1;
  let memoryMib = memorySizeMib;
  for (const environment of environments) memoryMib += environment.memorySizeMib;
  const evict: EnvironmentId[] = [];
  if (count <= limits.environmentsMax && memoryMib <= limits.memoryMaxMib) return evict;
  const idle = environments
    .filter((environment) => environment.availability === "idle" && !environment.isProvisioned)
    .sort((a, b) => a.idleOrder - b.idleOrder);
  for (const environment of [...environments.filter((each) => each.availability === "parked"), ...idle]) {
    evict.push(environment.environmentId);
    count--;
    memoryMib -= environment.memorySizeMib;
    if (count <= limits.environmentsMax && memoryMib <= limits.memoryMaxMib) return evict;
  }
  return null;
}

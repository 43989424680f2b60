/**
 * Where an invoke goes: a pure decision over what the worker has. No I/O, no time.
 * Warm environments are used last in, first out, so that the surplus grows old and is shut down.
 */
import type { EnvironmentId } from "../base/ids.ts";

export interface EnvironmentView {
  readonly environmentId: EnvironmentId;
  readonly runKey: string;
  readonly memorySizeMib: number;
  /**
   * idle: may take an invoke now. parked: a clone that waits for its first. finishing: has answered its caller and will be idle in a
   * moment. busy: anything else.
   */
  readonly availability: "idle" | "parked" | "finishing" | "busy";
  /** Rises with each return to idle. */
  readonly idleOrder: number;
}

export interface HostLimits {
  readonly environmentsMax: number;
  readonly memoryMaxMib: number;
}

export interface PlacementRequest {
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
  /** Make a new one after these have been shut down. */
  | { readonly kind: "create"; readonly evict: readonly EnvironmentId[] }
  | { readonly kind: "throttle" };

export function placeInvoke(environments: readonly EnvironmentView[], request: PlacementRequest, limits: HostLimits): Placement {
  let newest: EnvironmentView | null = null;
  let parked: EnvironmentView | null = null;
  let finishing = 0;
  for (const environment of environments) {
    if (environment.runKey !== request.runKey) continue;
    if (environment.availability === "finishing") finishing++;
    if (environment.availability === "parked") parked ??= environment;
    if (environment.availability !== "idle") continue;
    if (newest === null || environment.idleOrder > newest.idleOrder) newest = environment;
  }
  if (newest !== null) return { kind: "reuse", environmentId: newest.environmentId };
  if (request.mayWait && finishing > request.waiting) return { kind: "wait" };
  if (parked !== null) return { kind: "reuse", environmentId: parked.environmentId };
  const evict = chooseEvictions(environments, request.memorySizeMib, limits);
  return evict === null ? { kind: "throttle" } : { kind: "create", evict };
}

/** Parked clones, then the longest idle ones, as many as must go to make room; null when even all of them are not enough. */
export function chooseEvictions(environments: readonly EnvironmentView[], memorySizeMib: number, limits: HostLimits): readonly EnvironmentId[] | null {
  let count = environments.length + 1;
  let memoryMib = memorySizeMib;
  for (const environment of environments) memoryMib += environment.memorySizeMib;
  const evict: EnvironmentId[] = [];
  if (count <= limits.environmentsMax && memoryMib <= limits.memoryMaxMib) return evict;
  const idle = environments.filter((environment) => environment.availability === "idle").sort((a, b) => a.idleOrder - b.idleOrder);
  for (const environment of [...environments.filter((each) => each.availability === "parked"), ...idle]) {
    evict.push(environment.environmentId);
    count--;
    memoryMib -= environment.memorySizeMib;
    if (count <= limits.environmentsMax && memoryMib <= limits.memoryMaxMib) return evict;
  }
  return null;
}

/**
 * The place of an invoke: a pure decision over the environments that the worker has. No I/O, no time.
 * Warm environments are used last in, first out, so that the surplus grows old and is shut down.
 */
import type { EnvironmentId } from "../../base/ids.ts";
import type { EnvironmentView } from "../environment/view.ts";
import type { HostLimits } from "../worker-services.ts";

export interface PlacementRequest {
  readonly accountId: string;
  readonly functionKey: string;
  readonly runKey: string;
  readonly memorySizeMib: number;
  readonly tmpSizeMib: number;
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
  const evict = chooseEvictions(environments, request, limits);
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
    (environment) => environment.functionKey === request.functionKey && !environment.isProvisioned,
  );
  if (own.length === 0) return true;
  const factor = limits.functionShareMax / (1 - limits.functionShareMax);
  const memoryOf = (views: readonly EnvironmentView[]): number =>
    views.reduce((sum, view) => sum + view.memoryMib, request.memorySizeMib);
  const isCountFair = own.length + 1 <= factor * (limits.environmentsMax - busy.length - 1);
  return isCountFair && memoryOf(own) <= factor * (limits.memoryMaxMib - memoryOf(busy));
}

/** An environment that is to be made, and its sizes: it may come to use all of them. */
export type Wanted = Pick<PlacementRequest, "accountId" | "memorySizeMib" | "tmpSizeMib">;

/**
 * Chooses parked clones, then the longest idle environments, as many as must go to make room: those of the same account
 * and of accounts that have more than an equal part of the host's first. Null when even all of them are not enough.
 */
export function chooseEvictions(
  environments: readonly EnvironmentView[],
  { accountId, memorySizeMib, tmpSizeMib }: Wanted,
  limits: HostLimits,
): readonly EnvironmentId[] | null {
  const used = { count: environments.length + 1, memoryMib: memorySizeMib, tmpMib: tmpSizeMib };
  for (const environment of environments) {
    used.memoryMib += environment.memoryMib;
    used.tmpMib += environment.tmpSizeMib;
  }
  const tmpMaxMib = limits.tmpMaxMib();
  const fits = (): boolean =>
    used.count <= limits.environmentsMax && used.memoryMib <= limits.memoryMaxMib && used.tmpMib <= tmpMaxMib;
  const evict: EnvironmentId[] = [];
  if (fits()) return evict;
  for (const environment of inOrderOfLeaving(environments, accountId)) {
    evict.push(environment.environmentId);
    used.count--;
    used.memoryMib -= environment.memoryMib;
    used.tmpMib -= environment.tmpSizeMib;
    if (fits()) return evict;
  }
  return null;
}

/**
 * Chooses what must go because environments have grown over what was counted for them. Not more than there is to
 * choose from: busy ones go on.
 */
export function chooseSurplus(environments: readonly EnvironmentView[], limits: HostLimits): readonly EnvironmentId[] {
  let surplusMib = environments.reduce((sum, { memoryMib }) => sum + memoryMib, 0) - limits.memoryMaxMib;
  const evict: EnvironmentId[] = [];
  for (const environment of inOrderOfLeaving(environments, null)) {
    if (surplusMib <= 0) break;
    evict.push(environment.environmentId);
    surplusMib -= environment.memoryMib;
  }
  return evict;
}

/** `accountId`: the account that they make room for; null: none. With one account alone only their age counts. */
function* inOrderOfLeaving(
  environments: readonly EnvironmentView[],
  accountId: string | null,
): Generator<EnvironmentView, void> {
  const left = byAge(environments);
  const memoryMib = new Map<string, number>(accountId === null ? [] : [[accountId, 0]]);
  for (const each of environments) memoryMib.set(each.accountId, (memoryMib.get(each.accountId) ?? 0) + each.memoryMib);
  let totalMib = environments.reduce((sum, each) => sum + each.memoryMib, 0);
  while (left.length > 0) {
    const partMib = totalMib / memoryMib.size;
    const isNext = (each: EnvironmentView): boolean =>
      each.accountId === accountId || (memoryMib.get(each.accountId) ?? 0) > partMib;
    const [next] = left.splice(Math.max(0, left.findIndex(isNext)), 1);
    if (next === undefined) return;
    memoryMib.set(next.accountId, (memoryMib.get(next.accountId) ?? 0) - next.memoryMib);
    totalMib -= next.memoryMib;
    yield next;
  }
}

function byAge(environments: readonly EnvironmentView[]): EnvironmentView[] {
  const idle = environments
    .filter((environment) => environment.availability === "idle" && !environment.isProvisioned)
    .sort((a, b) => a.idleOrder - b.idleOrder);
  return [...environments.filter((each) => each.availability === "parked"), ...idle];
}

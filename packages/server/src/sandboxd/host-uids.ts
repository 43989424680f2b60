/**
 * Users that functions run as on the host. The store numbers functions from 100000. On a host that range usually
 * belongs to somebody: it is what `useradd` gives the first user as subordinate ids (/etc/subuid). So sandboxes have
 * users far above those that systemd and shadow give away.
 */
const STORED_UID_FIRST = 100_000;
export const HOST_UID_FIRST = 2_000_000_000;
export const HOST_UID_LAST = HOST_UID_FIRST + 65_535;

export function hostUidOf(storedUid: number): number {
  return storedUid - STORED_UID_FIRST + HOST_UID_FIRST;
}

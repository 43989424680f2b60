/** Capabilities of root's programs in a sandbox, as docs/reference/isolation.md lists them. */

/** Numbers of linux/capability.h. */
export const CAPABILITY = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_CHROOT: 18,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
  CHECKPOINT_RESTORE: 40,
} as const;

export type CapabilityName = keyof typeof CAPABILITY;

export function maskOf(...names: readonly CapabilityName[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITY[name])), 0n);
}

export const OF_DUMP = maskOf("DAC_OVERRIDE", "DAC_READ_SEARCH", "NET_ADMIN", "SYS_PTRACE", "SYS_ADMIN");
/** Besides one of SYS_RESOURCE and SYS_ADMIN: see `forPipes`. */
export const OF_RESTORE = maskOf(
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "NET_ADMIN",
  "NET_RAW",
  "SYS_CHROOT",
  "SYS_PTRACE",
  "CHECKPOINT_RESTORE",
);
/** Of a fresh environment's pid 1. */
export const OF_KEEPER = OF_DUMP | OF_RESTORE | maskOf("KILL", "SYS_RESOURCE", "SYS_TIME");
/** Of a clone's pid 1, and of its relay. */
export const ONLY_KILL = maskOf("KILL");

/** What a restore has for its pipes, by what the host's root has (a set of `/proc/PID/status`). */
export function forPipes(ofHost: bigint): bigint {
  const resource = maskOf("SYS_RESOURCE");
  return (ofHost & resource) === 0n ? maskOf("SYS_ADMIN") : resource;
}

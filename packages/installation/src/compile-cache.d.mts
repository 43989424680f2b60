import type { Stats } from "node:fs";

export function commandCachePath(env: Readonly<Record<string, string | undefined>>, uid: number): string | null;
export function privateCache(path: string): string | null;
export function isOwnersAlone(
  path: string,
  uid: number,
  factsOf?: (path: string) => Pick<Stats, "uid" | "mode" | "isDirectory">,
): boolean;
export function homeCachePath(home: string, uid: number): string;

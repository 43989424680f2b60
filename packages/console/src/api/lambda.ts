/** The operations of AWS's Lambda API that the console reads. */
import type { AliasConfiguration, FunctionConfiguration } from "@thaw/aws-api/generated/lambda/types";
import { lambda } from "./client.ts";

export type { AliasConfiguration, FunctionConfiguration } from "@thaw/aws-api/generated/lambda/types";

/** Pages that are read of a list: 10,000 versions, far beyond what a table can show. */
const PAGES_MAX = 200;

export async function listVersions(name: string, signal?: AbortSignal): Promise<readonly FunctionConfiguration[]> {
  return all<FunctionConfiguration>(`${pathOf(name)}/versions`, "Versions", signal);
}

export async function listAliases(name: string, signal?: AbortSignal): Promise<readonly AliasConfiguration[]> {
  return all<AliasConfiguration>(`${pathOf(name)}/aliases`, "Aliases", signal);
}

export async function getConfiguration(name: string, signal?: AbortSignal): Promise<FunctionConfiguration> {
  return lambda(`${pathOf(name)}/configuration`, signal === undefined ? {} : { signal });
}

/** Null: the function has no concurrency of its own. */
export async function getReserved(name: string, signal: AbortSignal): Promise<number | null> {
  const path = `/2019-09-30/functions/${encodeURIComponent(name)}/concurrency`;
  const answer = await lambda<{ readonly ReservedConcurrentExecutions?: number }>(path, { signal });
  return answer.ReservedConcurrentExecutions ?? null;
}

export async function publishVersion(name: string): Promise<FunctionConfiguration> {
  return lambda(`${pathOf(name)}/versions`, { method: "POST", body: "{}" });
}

export async function pointAlias(name: string, alias: string, version: string): Promise<AliasConfiguration> {
  const body = JSON.stringify({ FunctionVersion: version });
  return lambda(`${pathOf(name)}/aliases/${encodeURIComponent(alias)}`, { method: "PUT", body });
}

export async function deleteVersion(name: string, version: string): Promise<void> {
  await lambda(`${pathOf(name)}?Qualifier=${encodeURIComponent(version)}`, { method: "DELETE" });
}

function pathOf(name: string): string {
  return `/2015-03-31/functions/${encodeURIComponent(name)}`;
}

async function all<T>(path: string, member: string, signal?: AbortSignal): Promise<readonly T[]> {
  const found: T[] = [];
  let marker = "";
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = marker === "" ? "" : `?Marker=${encodeURIComponent(marker)}`;
    const wish = signal === undefined ? {} : { signal };
    const answer = await lambda<Readonly<Record<string, unknown>>>(`${path}${query}`, wish);
    found.push(...((answer[member] ?? []) as readonly T[]));
    marker = String(answer["NextMarker"] ?? "");
    if (marker === "") break;
  }
  return found;
}

/**
 * The record of what `thaw deploy` has deployed for a template, kept by the server, so that the next deployment can
 * take away what the template no longer has: functions, aliases, tags. What others added is left alone.
 */
import { type Connection, RefusedError } from "../connection.ts";
import type { Plan, PlannedFunction } from "@thaw/template/planned";
import { LATEST, permissionKey } from "./urls.ts";

export interface RecordedFunction {
  readonly tags: readonly string[];
  readonly aliases: readonly string[];
  /** Qualifiers that have a URL; `$LATEST` for the function's own. */
  readonly urls: readonly string[];
  /** Statements of resource policies, by `permissionKey`. */
  readonly permissions: readonly string[];
  /** `$LATEST` and aliases with settings of asynchronous invokes. */
  readonly eventInvokes: readonly string[];
  /** Stays when the template no longer has it. */
  readonly isRetained: boolean;
}

export type StackRecord = Readonly<Record<string, RecordedFunction>>;

/** Bucket of Thaw's own object store for what the command line keeps there. */
export const BUCKET = "thaw-deployments";

/** Reads the record; empty where there is none. */
export async function readRecord(connection: Connection, key: string): Promise<StackRecord> {
  try {
    const answer = await connection.thaw.raw("readObject", { parameters: { bucket: BUCKET, key } });
    return toRecord(await answer.json());
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return {};
    throw error;
  }
}

export async function writeRecord(connection: Connection, key: string, record: StackRecord): Promise<void> {
  const body = Buffer.from(JSON.stringify(record));
  await connection.thaw.call("putObject", { parameters: { bucket: BUCKET, key }, body });
}

/** Describes what a plan deploys. */
export function recordOf(plan: Plan): StackRecord {
  return Object.fromEntries(plan.functions.map((planned) => [planned.name, recordOfFunction(plan, planned)]));
}

/** Both together: what must be looked at again if the deployment is cut off. */
export function joinRecords(one: StackRecord, other: StackRecord): StackRecord {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const [a, b] = [one[name], other[name]];
      const join = (first: readonly string[] = [], second: readonly string[] = []): string[] => [
        ...new Set([...first, ...second]),
      ];
      const isRetained = (b ?? a)?.isRetained === true;
      const joined = {
        tags: join(a?.tags, b?.tags),
        aliases: join(a?.aliases, b?.aliases),
        urls: join(a?.urls, b?.urls),
        permissions: join(a?.permissions, b?.permissions),
        eventInvokes: join(a?.eventInvokes, b?.eventInvokes),
      };
      return [name, { ...joined, isRetained }];
    }),
  );
}

function recordOfFunction(plan: Plan, planned: PlannedFunction): RecordedFunction {
  const { name, tags, autoPublishAlias, isRetained } = planned;
  const own = plan.aliases.filter(({ functionName }) => functionName === name).map((alias) => alias.name);
  const aliases = autoPublishAlias === null ? own : [...own, autoPublishAlias];
  const ofThis = ({ functionName }: { readonly functionName: string }): boolean => functionName === name;
  const urls = plan.urls.filter(ofThis).map(({ qualifier }) => qualifier ?? LATEST);
  const permissions = plan.permissions.filter(ofThis).map(permissionKey);
  // Those of a version stay with it, as it is.
  const eventInvokes = plan.eventInvokes
    .filter(ofThis)
    .map(({ qualifier }) => qualifier.split(":").at(-1) ?? qualifier)
    .filter((qualifier) => qualifier === LATEST || aliases.includes(qualifier));
  return { tags: Object.keys(tags), aliases, urls, permissions, eventInvokes, isRetained };
}

function toRecord(document: unknown): StackRecord {
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
  const entries = typeof document === "object" && document !== null ? Object.entries(document) : [];
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const { tags, aliases, urls, permissions, eventInvokes, isRetained } = (value ?? {}) as Record<string, unknown>;
      const lists = {
        tags: texts(tags),
        aliases: texts(aliases),
        urls: texts(urls),
        permissions: texts(permissions),
        eventInvokes: texts(eventInvokes),
      };
      return [name, { ...lists, isRetained: isRetained === true }];
    }),
  );
}

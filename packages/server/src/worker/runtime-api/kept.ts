/**
 * What the server leaves in the supervisor before a snapshot, for the servers of its clones: the extensions and their
 * subscriptions, which were made before it and never will be again. It comes back from inside the sandbox, so it is
 * checked.
 */
import { EXTENSION_EVENTS, type ExtensionEventType, type KeptExtension } from "./extension.ts";
import { checkSubscription, type Subscription, toDocument } from "./subscription.ts";

const FORMAT = 1;

export interface Kept {
  readonly extensions: readonly KeptExtension[];
  /** By the names of extensions. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

const NOTHING: Kept = { extensions: [], subscriptions: new Map() };

export function writeKept({ extensions, subscriptions }: Kept): string {
  const told = [...subscriptions].map(([name, subscription]) => ({
    name,
    api: subscription.api,
    document: toDocument(subscription),
  }));
  return JSON.stringify({ format: FORMAT, extensions, subscriptions: told });
}

/** Reads at most `max` extensions; nothing from a text that is not ours. */
export function readKept(text: string, max: number): Kept {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return NOTHING;
  }
  if (typeof document !== "object" || document === null) return NOTHING;
  const { format, extensions, subscriptions } = document as Record<string, unknown>;
  if (format !== FORMAT || !Array.isArray(extensions)) return NOTHING;
  const known = extensions.filter(isExtension).slice(0, max);
  const names = new Set(known.map(({ name }) => name));
  const read = Array.isArray(subscriptions) ? subscriptions.flatMap(readKeptSubscription) : [];
  return { extensions: known, subscriptions: new Map(read.filter(([name]) => names.has(name))) };
}

function readKeptSubscription(value: unknown): ReadonlyArray<readonly [string, Subscription]> {
  if (typeof value !== "object" || value === null) return [];
  const { name, api, document } = value as Record<string, unknown>;
  if (typeof name !== "string" || (api !== "telemetry" && api !== "logs")) return [];
  const subscription = checkSubscription(api, document);
  return typeof subscription === "string" ? [] : [[name, subscription]];
}

function isExtension(value: unknown): value is KeptExtension {
  if (typeof value !== "object" || value === null) return false;
  const { id, name, isExternal, events } = value as Record<string, unknown>;
  const isEvent = (event: unknown): event is ExtensionEventType =>
    (EXTENSION_EVENTS as readonly unknown[]).includes(event);
  return (
    typeof id === "string" &&
    typeof name === "string" &&
    typeof isExternal === "boolean" &&
    Array.isArray(events) &&
    events.every(isEvent)
  );
}

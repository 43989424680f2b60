/** What goes with a function or an alias, besides what the store removes with it by itself. */
import type { MetadataStore, Write } from "../../ports/metadata-store.ts";

/** The account's entries of a function's URLs. */
export async function urlEntriesOf(store: MetadataStore, functionName: string): Promise<readonly Write[]> {
  const urls = await store.listSettings("url", functionName);
  const entries = await Promise.all(urls.map(({ urlId }) => store.getAccountEntry("urlId", urlId)));
  return entries.flatMap((record) => (record === null ? [] : [{ op: "remove", kind: "urlId", record } as const]));
}

/**
 * The policy of an alias or a version, and its settings of asynchronous invokes: one that is made anew under the name
 * does not inherit them.
 */
export async function settingsOf(
  store: MetadataStore,
  functionName: string,
  qualifier: string,
): Promise<readonly Write[]> {
  const [policy, eventInvoke] = await Promise.all([
    store.getSetting("policy", functionName, qualifier),
    store.getSetting("eventInvoke", functionName, qualifier),
  ]);
  return [
    ...(policy === null ? [] : [{ op: "remove", kind: "policy", record: policy } as const]),
    ...(eventInvoke === null ? [] : [{ op: "remove", kind: "eventInvoke", record: eventInvoke } as const]),
  ];
}

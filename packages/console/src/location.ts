/** Where the browser is, as signals; links of the console change it without loading the page again. */
import { computed, signal } from "@preact/signals";
import { BASE, readRoute } from "./route.ts";

const address = signal({ pathname: location.pathname, search: location.search });

export const route = computed(() => readRoute(address.value.pathname));
export const query = computed(() => new URLSearchParams(address.value.search));

/** Goes to an address of the console. */
export function go(to: string): void {
  history.pushState(null, "", to);
  read();
  scrollTo(0, 0);
}

/** Sets or, with null, takes away a member of the query, without a new place in the history. */
export function setQuery(name: string, value: string | null): void {
  const next = new URLSearchParams(query.value);
  if (value === null || value === "") next.delete(name);
  else next.set(name, value);
  const text = next.toString();
  history.replaceState(null, "", `${location.pathname}${text === "" ? "" : `?${text}`}`);
  read();
}

/** Takes clicks on links of the console, and the browser's Back and Forward. */
export function watchLocation(): void {
  addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!isPlain || event.defaultPrevented || link === null || link.target !== "") return;
    if (link.origin !== location.origin || !link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    go(`${link.pathname}${link.search}`);
  });
}

function read(): void {
  address.value = { pathname: location.pathname, search: location.search };
}

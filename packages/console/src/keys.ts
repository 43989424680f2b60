/**
 * Keys of the whole console: `/` goes to what filters the page, `g` and a letter to a view, `?` to the list of them.
 * They are for those who want them: all can be reached without, and they can be turned off, as people who speak to
 * their computer need it.
 */
import { signal } from "@preact/signals";
import type { Route } from "./route.ts";

export type PlainView = Exclude<Route["view"], "function" | "invocation" | "stack" | "nowhere">;

export interface GoKey {
  readonly key: string;
  readonly view: PlainView;
  readonly label: string;
  /** True where only operators have the view. */
  readonly isOperators: boolean;
}

/** What follows `g`. */
export const GO_KEYS: readonly GoKey[] = [
  { key: "f", view: "overview", label: "Functions (Overview)", isOperators: false },
  { key: "l", view: "logs", label: "Logs", isOperators: false },
  { key: "e", view: "environments", label: "Environments", isOperators: false },
  { key: "d", view: "stacks", label: "Deployments", isOperators: false },
  { key: "s", view: "snapshots", label: "Snapshots", isOperators: false },
  { key: "h", view: "host", label: "Host", isOperators: true },
];

/** A second key that comes later than this after `g` is a key of its own. */
const SECOND_KEY_MS_MAX = 1500;
const OFF = "thaw-console-keys";

export type KeyAction =
  | { readonly kind: "filter" }
  | { readonly kind: "help" }
  | { readonly kind: "go"; readonly to: GoKey };

/** Reads keys one after the other. */
export class KeyReader {
  #goAtMs: number | null = null;

  /** What a key does; null: nothing. */
  press(key: string, atMs: number): KeyAction | null {
    const goAtMs = this.#goAtMs;
    this.#goAtMs = null;
    if (goAtMs !== null && atMs - goAtMs <= SECOND_KEY_MS_MAX) {
      const to = GO_KEYS.find((each) => each.key === key);
      if (to !== undefined) return { kind: "go", to };
    }
    if (key === "g") this.#goAtMs = atMs;
    if (key === "/") return { kind: "filter" };
    return key === "?" ? { kind: "help" } : null;
  }

  /** Forgets a `g` that nothing follows. */
  forget(): void {
    this.#goAtMs = null;
  }
}

/** False where somebody turned the keys off in this browser. */
export const hasKeys = signal(localStorage.getItem(OFF) !== "off");

export function turnKeys(isOn: boolean): void {
  hasKeys.value = isOn;
  if (isOn) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "off");
}

export interface KeyActions {
  readonly go: (to: GoKey) => void;
  readonly help: () => void;
}

export function watchKeys({ go, help }: KeyActions): void {
  const reader = new KeyReader();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Shift") return;
    const isOwn = hasKeys.value && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
    // A dialog has the page for itself.
    if (!isOwn || isTyping(event.target) || document.querySelector("dialog[open]") !== null) return reader.forget();
    const action = reader.press(event.key, event.timeStamp);
    if (action === null) return;
    if (action.kind === "filter" && !focusFilter()) return;
    event.preventDefault();
    if (action.kind === "go") go(action.to);
    else if (action.kind === "help") help();
  });
}

/** False where the page has nothing to filter. */
function focusFilter(): boolean {
  const field = document.querySelector<HTMLInputElement>("input[type=search]");
  field?.focus();
  return field !== null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select, [contenteditable]");
}

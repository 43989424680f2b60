/** Small parts of pages. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ago } from "../words.ts";
import type { Data } from "./use-data.ts";

export type Tone = "good" | "busy" | "bad" | "plain";

/** A state: told by its word and its shape, and by colour besides. */
const SHAPES: Readonly<Record<Tone, string>> = { good: "●", busy: "◐", bad: "▲", plain: "○" };

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{SHAPES[tone]} </span>
      {children}
    </span>
  );
}

/** A time, in words; the whole of it, local and in UTC, on hover. */
export function Time({ atMs }: { readonly atMs: number | null }) {
  if (atMs === null || !Number.isFinite(atMs)) return <span class="muted">never</span>;
  const date = new Date(atMs);
  return (
    <time dateTime={date.toISOString()} title={`${date.toLocaleString()} (${date.toISOString()})`}>
      {ago(atMs, Date.now())}
    </time>
  );
}

/** Text that people take elsewhere. */
export function Copy({ text }: { readonly text: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    // Browsers have a clipboard on https and on this host alone.
    await navigator.clipboard?.writeText(text);
    setDone(true);
  };
  return (
    <span class="copy">
      <code>{text}</code>{" "}
      <button type="button" aria-label={`Copy ${text}`} onClick={() => void copy()}>
        {isDone ? "copied" : "copy"}
      </button>
    </span>
  );
}

/** The heading of a view, which is what a keyboard and a screen reader are taken to. */
export function Heading({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} – Thaw`;
    document.getElementById("title")?.focus({ preventScroll: true });
  }, [title]);
  return (
    <header class="heading">
      <h1 id="title" tabIndex={-1}>
        {title}
      </h1>
      {children}
    </header>
  );
}

export function Problem({ text }: { readonly text: string | null }) {
  return text === null ? null : (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}

/** Shows what was loaded, or that it has not come yet. */
export function Loaded<T>({
  data,
  children,
}: {
  readonly data: Data<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  return (
    <>
      <Problem text={data.problem} />
      {data.value === null ? data.problem === null && <p class="muted">Loading…</p> : children(data.value)}
    </>
  );
}

/** Names and values. */
export function Facts({ rows }: { readonly rows: ReadonlyArray<readonly [string, ComponentChildren]> }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A button that does something on the server, and says how it went. */
export function Act({
  label,
  about,
  isOff = false,
  run,
}: {
  readonly label: string;
  /** What it is about, for those who hear only the button. */
  readonly about: string;
  /** True where there is nothing to do it with now. */
  readonly isOff?: boolean;
  readonly run: () => Promise<string>;
}) {
  const [said, setSaid] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    try {
      setSaid(await run());
    } catch (error) {
      setSaid((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <span class="act">
      <button type="button" aria-label={`${label} ${about}`} disabled={isBusy || isOff} onClick={() => void act()}>
        {label}
      </button>
      <span role="status">{said}</span>
    </span>
  );
}

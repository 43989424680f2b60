/**
 * A live log: the newest 10,000 lines, of which only those in sight are drawn. It goes on by itself while its end is in
 * sight, and stands still once somebody scrolls up. What a log says is foreign text: it becomes text nodes only.
 */
import type { ComponentChildren, TargetedEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { readAnsi, type Run, showUnseen } from "../ansi.ts";
import { type JsonMessage, readJsonMessage } from "../json-message.ts";
import { splitAtRequestIds } from "../request-ids.ts";
import { Ring } from "../ring.ts";
import { pathOf } from "../route.ts";
import { counted } from "../words.ts";
import { Problem } from "./parts.tsx";

const LINES_MAX = 10_000;
const LINE_HEIGHT = 20;
/** Lines that are drawn above and below those in sight. */
const MARGIN = 10;
/** Characters of a line that are drawn. */
const SHOWN_MAX = 2000;
/** Lines of one event. */
const EVENT_LINES_MAX = 500;

/** An event as it is shown. */
export interface ShownEvent {
  readonly timestampMs: number;
  readonly message: string;
  readonly origin: "platform" | "function" | "client";
  /** Left out where all events are of one function. */
  readonly functionName?: string;
}

/** Gives events until `signal` is aborted, or until it is refused: with the reason. */
export type LogSource = (signal: AbortSignal, onEvent: (event: ShownEvent) => void) => Promise<string | null>;

interface Line {
  readonly event: ShownEvent;
  readonly text: string;
  readonly isFirst: boolean;
  /** Lines of the event that are left out behind this one. */
  readonly more: number;
  /** Null: its text is no document. Left out until the line was drawn once. */
  json?: JsonMessage | null;
}

/** What is known of the place that people look at. */
interface Sight {
  readonly top: number;
  readonly height: number;
}

export interface LogViewProps {
  readonly label: string;
  readonly source: LogSource;
  /** Says what `source` gives: another one begins anew. */
  readonly sourceKey: string;
  /** Only lines with this text are kept. */
  readonly filter: string;
}

export function LogView(props: LogViewProps) {
  const { lines, added, problem } = useLines(props);
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState<Sight>({ top: 0, height: 600 });
  /** Lines that had come when somebody scrolled up; null: the end is in sight. */
  const [leftAt, setLeftAt] = useState<number | null>(null);
  useEffect(() => {
    if (leftAt === null && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [added, leftAt]);
  const onScroll = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: TargetedEvent<HTMLDivElement>) => {
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - LINE_HEIGHT;
    setLeftAt(isAtEnd ? null : (leftAt ?? added));
    setSight({ top: scrollTop, height: clientHeight });
  };
  const newer = leftAt === null ? 0 : added - leftAt;
  const [opened, setOpened] = useState<Line | null>(null);
  return (
    <>
      <Problem text={problem} />
      <p class="log-state">
        <span class="muted">
          {lines.length === 0 ? "No line yet; new ones come by themselves." : counted(lines.length, "line")}
        </span>{" "}
        {newer > 0 && (
          <button type="button" onClick={() => setLeftAt(null)}>
            {counted(newer, "new line")}
          </button>
        )}
      </p>
      <div class="log" ref={box} onScroll={onScroll} role="log" aria-live="off" aria-label={props.label} tabIndex={0}>
        <LinesInSight lines={lines} sight={sight} open={setOpened} />
      </div>
      {opened !== null && <Opened line={opened} close={() => setOpened(null)} />}
    </>
  );
}

interface Lines {
  readonly lines: Ring<Line>;
  readonly added: number;
  readonly problem: string | null;
}

/** Follows a log; what comes within a frame of the screen is drawn at once. */
function useLines({ source, sourceKey, filter }: LogViewProps): Lines {
  const ring = useRef(new Ring<Line>(LINES_MAX));
  const [added, setAdded] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const own = new Ring<Line>(LINES_MAX);
    ring.current = own;
    let frame = 0;
    const draw = (): void => {
      frame = 0;
      setAdded(own.added);
    };
    const onEvent = (event: ShownEvent): void => {
      for (const line of linesOf(event)) if (line.text.includes(filter)) own.push(line);
      frame ||= requestAnimationFrame(draw);
    };
    setProblem(null);
    setAdded(0);
    void source(stop.signal, onEvent).then(setProblem);
    return () => {
      stop.abort();
      cancelAnimationFrame(frame);
    };
  }, [sourceKey, filter]);
  return { lines: ring.current, added, problem };
}

/** All lines take their place; those in sight are drawn. */
function LinesInSight({
  lines,
  sight,
  open,
}: {
  readonly lines: Ring<Line>;
  readonly sight: Sight;
  readonly open: (line: Line) => void;
}) {
  const first = Math.max(Math.floor(sight.top / LINE_HEIGHT) - MARGIN, 0);
  const until = Math.ceil((sight.top + sight.height) / LINE_HEIGHT) + MARGIN;
  return (
    <div style={{ height: `${lines.length * LINE_HEIGHT}px` }}>
      <div style={{ transform: `translateY(${Math.min(first, lines.length) * LINE_HEIGHT}px)` }}>
        {lines.slice(first, until).map((line, at) => (
          <LogLine key={first + at} line={line} open={open} />
        ))}
      </div>
    </div>
  );
}

function linesOf(event: ShownEvent): readonly Line[] {
  const texts = event.message.replace(/\r?\n$/, "").split(/\r\n|\n|\r/);
  const more = Math.max(texts.length - EVENT_LINES_MAX, 0);
  return texts
    .slice(0, EVENT_LINES_MAX)
    .map((text, at) => ({ event, text, isFirst: at === 0, more: at === EVENT_LINES_MAX - 1 ? more : 0 }));
}

const ORIGINS: Readonly<Record<ShownEvent["origin"], string>> = { platform: "P", function: "F", client: "C" };

function LogLine({ line, open }: { readonly line: Line; readonly open: (line: Line) => void }) {
  const { event, isFirst } = line;
  if (line.json === undefined) line.json = readJsonMessage(line.text);
  const text = line.json?.headline ?? line.text;
  const cut = text.length - SHOWN_MAX;
  return (
    <div class={`line ${event.origin}`}>
      <span class="muted">
        {isFirst ? `${timeOf(event)} ` : "             "}
        <abbr title={`written by the ${event.origin}`}>{ORIGINS[event.origin]}</abbr>{" "}
      </span>
      {isFirst && event.functionName !== undefined && <Named name={event.functionName} />}
      {line.json !== null && (
        <>
          <button
            type="button"
            class="open"
            aria-label={`Open the JSON of ${timeOf(event)}`}
            onClick={() => open(line)}
          >
            {"{…}"}
          </button>{" "}
        </>
      )}
      <AnsiText runs={readAnsi(text.slice(0, SHOWN_MAX))} isLinked />
      {cut > 0 && <span class="muted"> … {counted(cut, "more character")}</span>}
      {line.more > 0 && <span class="muted"> … {counted(line.more, "more line")} of this event</span>}
    </div>
  );
}

function timeOf({ timestampMs }: ShownEvent): string {
  return new Date(timestampMs).toISOString().slice(11, 23);
}

/** A document as a whole, below the lines: they have a height that does not change. */
function Opened({ line, close }: { readonly line: Line; readonly close: () => void }) {
  const { whole = "" } = line.json ?? {};
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    // Browsers have a clipboard on https and on this host alone.
    await navigator.clipboard?.writeText(whole);
    setCopied(true);
  };
  const label = `JSON of ${timeOf(line.event)}`;
  return (
    <section aria-label={label}>
      <h2>{label}</h2>
      <button type="button" onClick={() => void copy()}>
        {isCopied ? "copied" : "Copy"}
      </button>{" "}
      <button type="button" onClick={close}>
        Close
      </button>
      <pre tabIndex={0} role="region" aria-label={`${label}, whole`}>
        {whole.split("\n").map((each, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- a line has no other name
          <div key={at}>{showUnseen(each)}</div>
        ))}
      </pre>
    </section>
  );
}

function Named({ name }: { readonly name: string }) {
  return (
    <>
      <a href={pathOf({ view: "function", name, tab: "logs" })}>{name}</a>{" "}
    </>
  );
}

/** `isLinked`: ids of requests lead to their invocations. */
export function AnsiText({ runs, isLinked = false }: { readonly runs: readonly Run[]; readonly isLinked?: boolean }) {
  const shown = (text: string): ComponentChildren => (isLinked ? <Linked text={text} /> : text);
  return (
    <>
      {runs.map(({ text, color, isBold }, at) =>
        color === null && !isBold ? (
          shown(text)
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- a run has no other name
          <span key={at} class={`${color === null ? "" : `ansi-${color % 8}`}${isBold ? " strong" : ""}`}>
            {shown(text)}
          </span>
        ),
      )}
    </>
  );
}

function Linked({ text }: { readonly text: string }) {
  return (
    <>
      {splitAtRequestIds(text).map((piece, at) =>
        piece.isRequestId ? (
          // oxlint-disable-next-line react/no-array-index-key -- an id may come twice
          <a key={at} href={pathOf({ view: "invocation", requestId: piece.text })}>
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </>
  );
}

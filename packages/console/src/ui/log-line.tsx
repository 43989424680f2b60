/** A line of a log, and a document in it as a whole. What a log says is foreign text: it becomes text nodes only. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { readAnsi, type Run, showUnseen } from "../ansi.ts";
import { type JsonMessage, readJsonMessage } from "../json-message.ts";
import { levelNamed, type LogLevel, readLevel } from "../log-level.ts";
import { readReport, type ReportLine } from "../report-line.ts";
import { splitAtRequestIds } from "../request-ids.ts";
import { pathOf } from "../route.ts";
import { counted } from "../words.ts";

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

export interface Line {
  readonly event: ShownEvent;
  readonly text: string;
  readonly isFirst: boolean;
  /** Lines of the event that are left out behind this one. */
  readonly more: number;
  /** What its text says; left out until it was drawn once. */
  read?: ReadLine;
  /** Pixels that it takes where long lines are wrapped; left out until it was drawn so. */
  height?: number;
}

interface ReadLine {
  /** Null: its text is no document. */
  readonly json: JsonMessage | null;
  readonly report: ReportLine | null;
  readonly level: LogLevel | null;
  readonly runs: readonly Run[];
  /** Characters that are not drawn. */
  readonly cut: number;
}

export function linesOf(event: ShownEvent): readonly Line[] {
  const texts = event.message.replace(/\r?\n$/, "").split(/\r\n|\n|\r/);
  const more = Math.max(texts.length - EVENT_LINES_MAX, 0);
  return texts
    .slice(0, EVENT_LINES_MAX)
    .map((text, at) => ({ event, text, isFirst: at === 0, more: at === EVENT_LINES_MAX - 1 ? more : 0 }));
}

const ORIGINS: Readonly<Record<ShownEvent["origin"], string>> = { platform: "P", function: "F", client: "C" };

function readLine({ event, text }: Line): ReadLine {
  const json = readJsonMessage(text);
  const shown = json?.headline ?? text;
  const runs = readAnsi(shown.slice(0, SHOWN_MAX));
  const named = json?.level ?? null;
  const isPlatforms = event.origin === "platform";
  return {
    json,
    report: isPlatforms ? readReport(text) : null,
    level: isPlatforms ? null : named === null ? readLevel(textOf(runs)) : levelNamed(named),
    runs,
    cut: shown.length - SHOWN_MAX,
  };
}

/** Of the first runs: a level is at the beginning. */
function textOf(runs: readonly Run[]): string {
  return runs
    .slice(0, 4)
    .map(({ text }) => text)
    .join("");
}

export function LogLine({ line, open }: { readonly line: Line; readonly open: (line: Line) => void }) {
  const { event, isFirst } = line;
  const { json, report, level, runs, cut } = (line.read ??= readLine(line));
  return (
    <div class={`line ${event.origin}`}>
      <span class="muted">
        {isFirst ? `${timeOf(event)} ` : "             "}
        <abbr title={`written by the ${event.origin}`}>{ORIGINS[event.origin]}</abbr>{" "}
      </span>
      {level === null ? (
        "  "
      ) : (
        <>
          <abbr class={`level-${level.letter}`} title={`level: ${level.word}`}>
            {level.letter}
          </abbr>{" "}
        </>
      )}
      {isFirst && event.functionName !== undefined && <Named name={event.functionName} />}
      {json !== null && (
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
      {report === null ? (
        <span class={level === null ? "" : `level-${level.letter}`}>
          <AnsiText runs={runs} isLinked />
        </span>
      ) : (
        <Report report={report} whole={line.text} />
      )}
      {cut > 0 && <span class="muted"> … {counted(cut, "more character")}</span>}
      {line.more > 0 && <span class="muted"> … {counted(line.more, "more line")} of this event</span>}
    </div>
  );
}

/** The numbers of an invoke, in place of the line of them; all of it is on hover. */
function Report({ report: { requestId, facts }, whole }: { readonly report: ReportLine; readonly whole: string }) {
  return (
    <span title={showUnseen(whole.replaceAll("\t", "; "))}>
      <span class="chip">REPORT</span> <Linked text={showUnseen(requestId)} />
      {facts.map(([name, value]) => (
        <span key={name} class={name === "status" ? "bad" : ""}>
          {` · ${name} `}
          <b>{showUnseen(value)}</b>
        </span>
      ))}
    </span>
  );
}

function timeOf({ timestampMs }: ShownEvent): string {
  return new Date(timestampMs).toISOString().slice(11, 23);
}

/** A document as a whole, below the lines. */
export function Opened({ line, close }: { readonly line: Line; readonly close: () => void }) {
  const { whole = "" } = line.read?.json ?? {};
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

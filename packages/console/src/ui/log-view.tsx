/**
 * A live log: the newest 10,000 lines, of which only those in sight are drawn. It goes on by itself while its end is in
 * sight, and stands still once somebody scrolls up. What a log says is foreign text: it becomes text nodes only.
 */
import type { TargetedEvent } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { placeLines, type Placed } from "../line-heights.ts";
import { query, setQuery } from "../location.ts";
import { newLinesInWords } from "../new-lines.ts";
import { Ring } from "../ring.ts";
import { counted } from "../words.ts";
import { type Line, linesOf, LogLine, Opened, type ShownEvent } from "./log-line.tsx";
import { Problem } from "./parts.tsx";

const LINES_MAX = 10_000;
const LINE_HEIGHT = 20;
/** Lines that are drawn above and below those in sight. */
const MARGIN = 10;
/** Gives events until `signal` is aborted, or until it is refused: with the reason. */
export type LogSource = (signal: AbortSignal, onEvent: (event: ShownEvent) => void) => Promise<string | null>;

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
  const { lines, added, gone, problem } = useLines(props);
  const goneBefore = useRef<Gone>({ lines: 0, pixels: 0 });
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState<Sight>({ top: 0, height: 600 });
  /** Lines that had come when somebody scrolled up; null: the end is in sight. */
  const [leftAt, setLeftAt] = useState<number | null>(null);
  const isWrapped = query.value.get("wrap") === "1";
  const { lines: goneLines, pixels: gonePixels } = gone;
  /** What lay above the place that is read, and has gone since: the place is as much higher up. */
  const risen = isWrapped
    ? gonePixels - goneBefore.current.pixels
    : (goneLines - goneBefore.current.lines) * LINE_HEIGHT;
  const seen = leftAt === null ? sight : { ...sight, top: Math.max(sight.top - risen, 0) };
  const placed = isWrapped ? placeLines(heightsOf(lines), seen, MARGIN) : placeEven(lines.length, seen);
  const measured = useMeasured(box, lines, isWrapped ? placed : null);
  useLayoutEffect(() => {
    if (box.current === null) return;
    if (leftAt === null) box.current.scrollTop = box.current.scrollHeight;
    // What is read stays where it is when lines above it turn out to be higher, or go for new ones.
    else if (measured.current !== risen) {
      box.current.scrollTop += measured.current - risen;
      setSight({ top: box.current.scrollTop, height: box.current.clientHeight });
    }
    goneBefore.current = { lines: goneLines, pixels: gonePixels };
    measured.current = 0;
  }, [added, leftAt, placed.total, isWrapped, goneLines]);
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
      <LogState count={lines.length} newer={newer} isWrapped={isWrapped} toEnd={() => setLeftAt(null)} />
      <div
        class={`log${isWrapped ? " wrapped" : ""}`}
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={props.label}
        tabIndex={0}
      >
        <LinesInSight lines={lines} placed={placed} open={setOpened} />
      </div>
      {opened !== null && <Opened line={opened} close={() => setOpened(null)} />}
    </>
  );
}

/** How many lines there are, and a way to those that came since somebody scrolled up. */
function LogState({
  count,
  newer,
  isWrapped,
  toEnd,
}: {
  readonly count: number;
  readonly newer: number;
  readonly isWrapped: boolean;
  readonly toEnd: () => void;
}) {
  return (
    <>
      <p class="log-state">
        <span class="muted">{count === 0 ? "No line yet; new ones come by themselves." : counted(count, "line")}</span>{" "}
        {newer > 0 && (
          <button type="button" onClick={toEnd}>
            {counted(newer, "new line")}
          </button>
        )}{" "}
        <label>
          <input
            type="checkbox"
            checked={isWrapped}
            onChange={({ currentTarget }) => setQuery("wrap", currentTarget.checked ? "1" : null)}
          />{" "}
          wrap long lines
        </label>
      </p>
      <p class="hidden" role="status">
        {newLinesInWords(newer)}
      </p>
    </>
  );
}

interface Gone {
  lines: number;
  /** Where long lines are wrapped. */
  pixels: number;
}

interface Lines {
  readonly lines: Ring<Line>;
  readonly added: number;
  /** What went for new lines. */
  readonly gone: Gone;
  readonly problem: string | null;
}

/** Follows a log; what comes within a frame of the screen is drawn at once. */
function useLines({ source, sourceKey, filter }: LogViewProps): Lines {
  const ring = useRef(new Ring<Line>(LINES_MAX));
  const gone = useRef<Gone>({ lines: 0, pixels: 0 });
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
      for (const line of linesOf(event)) {
        const oldest = line.text.includes(filter) ? own.push(line) : undefined;
        if (oldest === undefined) continue;
        gone.current.lines++;
        gone.current.pixels += oldest.height ?? LINE_HEIGHT;
      }
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
  return { lines: ring.current, added, gone: gone.current, problem };
}

/** All lines take their place; those in sight are drawn. */
function LinesInSight({
  lines,
  placed: { first, until, above, total },
  open,
}: {
  readonly lines: Ring<Line>;
  readonly placed: Placed;
  readonly open: (line: Line) => void;
}) {
  return (
    <div style={{ height: `${total}px` }}>
      <div class="drawn" style={{ transform: `translateY(${above}px)` }}>
        {lines.slice(first, until).map((line, at) => (
          <LogLine key={first + at} line={line} open={open} />
        ))}
      </div>
    </div>
  );
}

function placeEven(count: number, { top, height }: Sight): Placed {
  const seen = Math.min(Math.floor(top / LINE_HEIGHT), count);
  const first = Math.max(seen - MARGIN, 0);
  const until = Math.ceil((top + height) / LINE_HEIGHT) + MARGIN;
  return { first, until, seen, above: first * LINE_HEIGHT, total: count * LINE_HEIGHT };
}

/** A line that was not drawn yet is taken to be as high as a short one. */
function heightsOf(lines: Ring<Line>): readonly number[] {
  return lines.slice(0, lines.length).map(({ height = LINE_HEIGHT }) => height);
}

/**
 * Measures the lines that are drawn, and has them placed anew where one has another height than was thought. Gives the
 * pixels by which those above what is in sight have grown. `placed`: null where all are equally high.
 */
function useMeasured(
  box: { readonly current: HTMLDivElement | null },
  lines: Ring<Line>,
  placed: Placed | null,
): { current: number } {
  const grown = useRef(0);
  const [, again] = useState(0);
  useLayoutEffect(() => {
    const drawn = box.current?.querySelector(".drawn")?.children;
    if (placed === null || drawn === undefined) return;
    let hasChanged = false;
    for (const [at, line] of lines.slice(placed.first, placed.until).entries()) {
      const { height = LINE_HEIGHT } = line;
      const now = drawn[at]?.getBoundingClientRect().height ?? height;
      if (now === height) continue;
      line.height = now;
      hasChanged = true;
      if (placed.first + at < placed.seen) grown.current += now - height;
    }
    if (hasChanged) again((round) => round + 1);
  });
  const isWrapped = placed !== null;
  useEffect(() => {
    if (!isWrapped) return undefined;
    const redraw = (): void => again((round) => round + 1);
    addEventListener("resize", redraw);
    return () => removeEventListener("resize", redraw);
  }, [isWrapped]);
  return grown;
}

/**
 * Foreign text on a terminal: what functions, servers and templates say may hold sequences that make a terminal write
 * over other lines, change its title, or answer as if somebody had typed. Where a stream is a terminal, control
 * characters are shown instead of sent; a pipe or a file gets the bytes as they are.
 */
import { asEscape, UNSEEN_MARKS } from "@thaw/thaw-api/foreign-text";

/** C0 and C1 controls but tab and line feed. */
const CONTROLS = /[^\P{Cc}\t\n]/gu;

/**
 * Shows control characters as `\u001b`, which is what they are in JSON, too. Carriage returns become line breaks: the
 * runtimes' clients write them between the lines of one event, and a terminal would show the last line only.
 */
export function showControls(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(CONTROLS, asEscape).replace(UNSEEN_MARKS, asEscape);
}

/** Makes text for a stream: lines that a person can read and copy where it is a terminal, the text itself elsewhere. */
export function readable(text: string, stream: NodeJS.WriteStream): string {
  // Python's client indents tracebacks with no-break spaces.
  return stream.isTTY ? showControls(text).replaceAll("\u00a0", " ") : text;
}

type Write = (text: string, done?: (error?: Error | null) => void) => boolean;

/** How streams wrote before they were guarded. */
const UNGUARDED = new WeakMap<NodeJS.WriteStream, Write>();

/** Lets nothing but text reach a terminal through this stream, whoever writes. A stream that is none stays as it is. */
export function guardTerminal(stream: NodeJS.WriteStream): void {
  if (!stream.isTTY) return;
  const write = stream.write.bind(stream) as Write;
  UNGUARDED.set(stream, write);
  // Keeps the beginning of a character that two writes share.
  const decoder = new TextDecoder();
  stream.write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean => {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    return write(showControls(text), typeof encoding === "function" ? encoding : done);
  };
}

/** The whole of a terminal, for a page that is drawn anew now and then. */
export interface Screen {
  /** Shows a page in place of the last one. Its control characters are shown, not sent. */
  draw(page: string): void;
  /** Gives the terminal back as it was. */
  leave(): void;
}

// Sequences of ECMA-48 and xterm: the other screen, the cursor hidden, and back; the first cell; to the end of a line
// and of the page.
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const REST_OF_LINE = "\u001b[K\r\n";
const REST_OF_PAGE = "\u001b[J";

/** Takes the terminal of a stream until `leave`. Lines that are wider than it are cut. */
export function takeScreen(stream: NodeJS.WriteStream): Screen {
  const write = UNGUARDED.get(stream) ?? (stream.write.bind(stream) as Write);
  write(ENTER);
  return {
    draw(page) {
      const lines = showControls(page.trimEnd())
        .split("\n")
        // A terminal that does not know its size says 0.
        .map((line) => (stream.columns > 0 ? line.slice(0, stream.columns) : line));
      write(`${HOME}${lines.join(REST_OF_LINE)}${REST_OF_PAGE}`);
    },
    leave: () => void write(LEAVE),
  };
}

/** How grave a line of a log is, by the word that loggers write. */
export interface LogLevel {
  /** As it is shown beside the colour. */
  readonly letter: "T" | "D" | "I" | "W" | "E";
  readonly word: "trace" | "debug" | "info" | "warning" | "error" | "fatal";
}

const TRACE: LogLevel = { letter: "T", word: "trace" };
const DEBUG: LogLevel = { letter: "D", word: "debug" };
const INFO: LogLevel = { letter: "I", word: "info" };
const WARNING: LogLevel = { letter: "W", word: "warning" };
const ERROR: LogLevel = { letter: "E", word: "error" };
/** F would be read as the function, whose letter is beside it. */
const FATAL: LogLevel = { letter: "E", word: "fatal" };

const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ["TRACE", TRACE],
  ["FINEST", TRACE],
  ["DEBUG", DEBUG],
  ["FINE", DEBUG],
  ["INFO", INFO],
  ["WARN", WARNING],
  ["WARNING", WARNING],
  ["ERROR", ERROR],
  ["SEVERE", ERROR],
  ["FATAL", FATAL],
  ["CRITICAL", FATAL],
]);

/** Characters that are looked at: time and request id come before it. */
const HEAD_LENGTH = 160;
/** Words that are looked at, of those that tabs and blanks part. */
const WORDS_MAX = 4;

/** Reads the level of a structured line; null: it is none of the usual ones. */
export function levelNamed(name: string): LogLevel | null {
  return LEVELS.get(name.toUpperCase()) ?? null;
}

/**
 * Finds the level at the beginning of a line, as `ERROR`, `[ERROR]` or `ERROR:`, alone or behind time and request id.
 * Only in capitals: "error" is a word of sentences, too.
 */
export function readLevel(text: string): LogLevel | null {
  const words = text.slice(0, HEAD_LENGTH).split(/[\t ]+/, WORDS_MAX);
  for (const word of words) {
    const bare = word.replace(/^\[/, "").replace(/:$/, "").replace(/\]$/, "");
    const level = LEVELS.get(bare);
    if (level !== undefined) return level;
  }
  return null;
}

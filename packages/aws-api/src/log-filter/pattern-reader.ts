/** Reads a filter pattern piece by piece: blanks, signs, quoted text, expressions between percent signs. */
import { invalidCharacters, LogFilterError } from "./filter.ts";

const BLANK = /\s/;

export class PatternReader {
  readonly #text: string;
  #at = 0;
  #expressionCount = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Number of expressions that were read. */
  get expressionCount(): number {
    return this.#expressionCount;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** True before a blank, and at the end. */
  get isAtBlank(): boolean {
    return this.isAtEnd || BLANK.test(this.#text[this.#at] ?? "");
  }

  skipBlanks(): void {
    while (!this.isAtEnd && this.isAtBlank) this.#at++;
  }

  isAt(sign: string): boolean {
    return this.#text.startsWith(sign, this.#at);
  }

  /** Takes a sign where it is next. */
  take(sign: string): boolean {
    const isThere = this.isAt(sign);
    if (isThere) this.#at += sign.length;
    return isThere;
  }

  /** Takes a sign that has to be next. */
  expect(sign: string): void {
    if (!this.take(sign)) throw this.unexpected();
  }

  /** Takes what matches an expression with the flag `y`; null where nothing does. */
  takeMatch(expression: RegExp): string | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    if (found === undefined || found === "") return null;
    this.#at += found.length;
    return found;
  }

  /** Reads a text in quotes, which is next; in it a backslash keeps quotes and backslashes. */
  readQuoted(quote: string): string {
    const from = this.#at;
    this.expect(quote);
    const pieces: string[] = [];
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined)
        throw new LogFilterError(
          `Invalid filter pattern: the quote ${this.#text.slice(from, from + 40)} is not closed`,
        );
      if (character === quote) return pieces.join("");
      const next = this.#text[this.#at];
      if (character === "\\" && (next === quote || next === "\\")) {
        pieces.push(next);
        this.#at++;
      } else pieces.push(character);
    }
  }

  /** Reads an expression between percent signs, which is next. */
  readExpression(): string {
    const end = this.#text.indexOf("%", this.#at + 1);
    if (end === -1) throw new LogFilterError("Invalid filter pattern: a '%' is not closed");
    const expression = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    this.#expressionCount++;
    return expression;
  }

  /** The refusal of what is next, in AWS's words. */
  unexpected(): LogFilterError {
    const found = this.takeMatch(/[^\p{L}\p{N}_\s]+|\S+/uy);
    return found === null
      ? new LogFilterError("Invalid filter pattern: it ends too early")
      : invalidCharacters(found.slice(0, 100));
  }
}

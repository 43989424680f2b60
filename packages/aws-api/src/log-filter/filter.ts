/** What a filter of log events is, and how it is refused. */
export interface LogFilter {
  /** What the test costs for each character, in steps of about a nanosecond. */
  readonly weight: number;
  test(message: string): boolean;
}

/** A filter pattern that CloudWatch Logs does not take either; the message says why. */
export class LogFilterError extends Error {
  override readonly name = "LogFilterError";
}

/** Makes AWS's refusal of a character that has to stand in quotes. */
export function invalidCharacters(characters: string): LogFilterError {
  return new LogFilterError(`Invalid character(s) in term '${characters}'`);
}

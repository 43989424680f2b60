/** Filters of log events: the patterns of CloudWatch Logs, as FilterLogEvents takes them. */
import { LogFilterError, parseLogFilter } from "@thaw/aws-api/log-filter/log-filter";
import { CommandError } from "@thaw/installation/command-error";

export type LogFilter = (message: string) => boolean;

const QUOTES = "Words with other characters than letters, digits and _ stand in quotes: --filter '\"…\"'";

/** Throws a CommandError for a pattern that CloudWatch Logs does not take either. */
export function parseFilter(pattern: string): LogFilter {
  if (pattern.trim() === "") throw new CommandError("--filter: there is nothing to look for");
  try {
    const filter = parseLogFilter(pattern);
    return (message) => filter.test(message);
  } catch (error) {
    if (!(error instanceof LogFilterError)) throw error;
    const hint = error.message.startsWith("Invalid character(s)") ? `. ${QUOTES}` : "";
    throw new CommandError(`--filter ${pattern}: ${error.message}${hint}`);
  }
}

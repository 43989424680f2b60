/** Headers and bodies that all routes of the Runtime API share, as AWS sends them. */
export const JSON_HEADERS = { "Content-Type": "application/json" } as const;
export const TEXT_HEADERS = { "Content-Type": "text/plain; charset=utf-8" } as const;
export const ACCEPTED_BODY = '{"status":"OK"}\n';

export function errorBody(errorType: string, errorMessage: string): string {
  return `${JSON.stringify({ errorMessage, errorType })}\n`;
}

/** `Metadata.Thaw.Prime` of a function: events for its snapshot, as thaw.prime.json in its package has them. */
import { isTemplateMap, type TemplateMap } from "./value.ts";

/** Gives the file's text; null where `Metadata.Thaw` has another form. */
export function readPrimes(thaw: TemplateMap): string | null {
  const prime = thaw["Prime"];
  if (!isTemplateMap(prime) || Object.keys(thaw).length > 1) return null;
  const { Events: events, Times: times = 1, ...rest } = prime;
  if (!Array.isArray(events) || !Number.isInteger(times) || Number(times) < 1 || Object.keys(rest).length > 0)
    return null;
  return `${JSON.stringify({ events, times })}\n`;
}

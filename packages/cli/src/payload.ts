/** The payload of an invoke, and the event of a check or a comparison, as a person names it on the command line. */
import { existsSync, readFileSync } from "node:fs";
import { CommandError } from "@thaw/installation/command-error";
import { decodeUserText } from "@thaw/installation/user-text";

/** Characters of a wrong event that are shown. */
const SHOWN_MAX = 80;

/**
 * Reads the event of a command: as `readPayload` does, or from a file that is named without `@`; undefined is {}.
 * Throws CommandError for anything else.
 */
export function readEvent(event: string | undefined): Buffer {
  if (event === undefined) return Buffer.from("{}");
  if (event === "-" || event.startsWith("@")) return readPayload(event);
  if (isJson(event)) return Buffer.from(event);
  if (existsSync(event)) return readPayload(`@${event}`);
  throw new CommandError(
    `--event: expected JSON, the name of a file, or - for standard input; ${event.slice(0, SHOWN_MAX)} is no JSON, and no file that is there`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Reads JSON, @FILE, or - for standard input. Throws CommandError where that can't be read, or is not UTF-8. */
export function readPayload(payload: string): Buffer {
  if (payload !== "-" && !payload.startsWith("@")) return Buffer.from(payload);
  const path = payload.slice(1);
  let bytes: Buffer;
  try {
    bytes = readFileSync(payload === "-" ? 0 : path);
  } catch (error) {
    throw new CommandError(`the payload can't be read: ${(error as Error).message}`);
  }
  // Without its byte order mark, which is no JSON.
  return Buffer.from(decodeUserText(bytes, payload === "-" ? "the payload" : path));
}

/** The payload of an invoke, as a person names it on the command line. */
import { readFileSync } from "node:fs";
import { CommandError } from "@thaw/installation/command-error";

/** Reads JSON, @FILE, or - for standard input. Throws CommandError where a file can't be read. */
export function readPayload(payload: string): Buffer {
  if (payload !== "-" && !payload.startsWith("@")) return Buffer.from(payload);
  const path = payload.slice(1);
  try {
    return readFileSync(payload === "-" ? 0 : path);
  } catch (error) {
    throw new CommandError(`the payload can't be read: ${(error as Error).message}`);
  }
}

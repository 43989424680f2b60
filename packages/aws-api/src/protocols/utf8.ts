/** Texts of clients, whose bytes are UTF-8 or refused: a decoder that forgives puts another text in their place. */
import { SerializationError } from "../validate.ts";

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONE_PERCENT = /%(?![0-9a-fA-F]{2})/g;

/** Throws SerializationError. */
export function textOf(body: Buffer): string {
  try {
    return UTF_8.decode(body);
  } catch {
    throw notUtf8();
  }
}

/** Reads the parameters of a form. Throws SerializationError. */
export function formOf(body: Buffer): URLSearchParams {
  const text = textOf(body);
  try {
    // Stricter than a form is: a percent sign that escapes nothing stands for itself there.
    decodeURIComponent(text.replaceAll(LONE_PERCENT, "%25"));
  } catch {
    throw notUtf8();
  }
  return new URLSearchParams(text);
}

function notUtf8(): SerializationError {
  return new SerializationError("The request body is not UTF-8");
}

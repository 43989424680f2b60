/** Events and patterns as JSON, from foreign text: how deep they may go is known before anything walks through them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Deeper ones are refused: what reads them calls itself for each level. */
const DEPTH_MAX = 1000;

/** Why a text is no event pattern, or an event can't be matched; the message is AWS's reason. */
export class EventPatternError extends Error {
  override readonly name = "EventPatternError";
}

/** Throws an EventPatternError where the text is no JSON, or is too deep. */
export function parseJson(text: string, depthMax = DEPTH_MAX): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new EventPatternError((error as Error).message);
  }
  if (depthOf(text) > depthMax) throw new EventPatternError(`JSON is nested deeper than ${depthMax} levels`);
  return value;
}

/** Counts the brackets of a text that is JSON. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (isInText) {
      if (character === BACKSLASH) at++;
      else if (character === QUOTE) isInText = false;
    } else if (character === QUOTE) isInText = true;
    else if (character === BRACE || character === BRACKET) deepest = Math.max(deepest, ++depth);
    else if (character === BRACE_END || character === BRACKET_END) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;

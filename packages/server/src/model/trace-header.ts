/**
 * The header X-Amzn-Trace-Id, and in it the lineage of a chain of requests: how often each function was run in it.
 * AWS's SDKs hand it on from inside a function, so a function that comes back to itself is seen to.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
 */
import { createHash } from "node:crypto";

/** Number of runs of one function in one chain; AWS says "approximately 16". */
export const CHAIN_RUNS_MAX = 16;
/** Number of functions of a chain that are remembered, the newest. */
const FUNCTIONS_MAX = 32;
const FIELD = "Lineage=";
/** AWS writes it before the entries, as `Lineage=1:a87bd80c:0`. */
const FORMAT = "1:";

interface Run {
  /** First 8 digits of a digest of the function's ARN, without a qualifier. */
  readonly hash: string;
  /** 0 on the function's first run in the chain. */
  readonly count: number;
}

/** As a client may send it; it goes into headers again. */
const HEADER = /^[\x21-\x7e]{1,512}$/;

/** Null where the text can't be one. */
export function readTraceHeader(text: string | undefined): string | null {
  return text !== undefined && HEADER.test(text) ? text : null;
}

/** Number of runs of the function that came before in the chain. */
export function runsBefore(header: string, functionArn: string): number {
  const hash = hashOf(functionArn);
  const own = readLineage(header).find((run) => run.hash === hash);
  return own === undefined ? 0 : own.count + 1;
}

/** The header that a run of the function gets, and hands on. */
export function headerOfRun(header: string, functionArn: string): string {
  const hash = hashOf(functionArn);
  const others = readLineage(header).filter((run) => run.hash !== hash);
  const runs = [...others, { hash, count: runsBefore(header, functionArn) }].slice(-FUNCTIONS_MAX);
  const kept = header.split(";").filter((part) => part !== "" && !part.trim().startsWith(FIELD));
  return [...kept, `${FIELD}${FORMAT}${runs.map((run) => `${run.hash}:${run.count}`).join("|")}`].join(";");
}

/** Reads the entries; whatever has another form is left out. */
function readLineage(header: string): readonly Run[] {
  const part = header.split(";").find((each) => each.trim().startsWith(FIELD));
  if (part === undefined) return [];
  // botocore writes the bar as %7C.
  const entries = part.trim().slice(FIELD.length).replaceAll(/%7c/gi, "|").split("|").slice(0, FUNCTIONS_MAX);
  return entries.flatMap((entry) => {
    const match = /^(?:\d{1,3}:)?([0-9a-f]{8}):(\d{1,5})$/.exec(entry);
    return match === null ? [] : [{ hash: match[1] as string, count: Number(match[2]) }];
  });
}

function hashOf(functionArn: string): string {
  return createHash("sha256").update(functionArn).digest("hex").slice(0, 8);
}

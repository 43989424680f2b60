/** A function, version or alias that is not there: which one may have been meant, as the server has them. */
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { Connection } from "./connection.ts";
import { didYouMean } from "./did-you-mean.ts";

/** A hint that takes longer is none. */
const ANSWER_MS_MAX = 3000;
const PAGES_MAX = 20;
const SHOWN_MAX = 10;
const NOT_FOUND =
  /Function not found: arn:[^:]*:lambda:[^:]*:[^:]*:function:(?<name>[\w-]+)(?::(?<qualifier>[\w$-]+))?/;

/** A sentence about what is near; null: the error is another one, nothing is near, or the server does not tell. */
export async function meantName(error: unknown, connect: () => Connection): Promise<string | null> {
  const found = error instanceof Error ? NOT_FOUND.exec(messageOf(error))?.groups : undefined;
  if (found === undefined) return null;
  const { name = "", qualifier } = found;
  try {
    const { ListAliasesCommand, ListVersionsByFunctionCommand } = await import("@aws-sdk/client-lambda");
    const lambda = await connect().lambda();
    const abortSignal = AbortSignal.timeout(ANSWER_MS_MAX);
    const names = await functionNames(lambda, abortSignal);
    if (!names.includes(name)) return didYouMean(name, names);
    if (qualifier === undefined) return null;
    const input = { FunctionName: name };
    const { Aliases = [] } = await lambda.send(new ListAliasesCommand(input), { abortSignal });
    const { Versions = [] } = await lambda.send(new ListVersionsByFunctionCommand(input), { abortSignal });
    const there = [...Aliases.map((each) => each.Name ?? ""), ...Versions.map((each) => each.Version ?? "")];
    const more = there.length > SHOWN_MAX ? ", and more" : "";
    const near = didYouMean(qualifier, there);
    const list = `${name} has no version or alias ${qualifier}. It has ${there.slice(0, SHOWN_MAX).join(", ")}${more}`;
    return near === null ? list : `${list}. ${near}`;
  } catch {
    return null;
  }
}

/** Of what the server said, also where a sentence of ours stands for it. */
function messageOf({ message, cause }: Error): string {
  return cause instanceof Error ? cause.message : message;
}

async function functionNames(lambda: LambdaClient, abortSignal: AbortSignal): Promise<readonly string[]> {
  const { ListFunctionsCommand } = await import("@aws-sdk/client-lambda");
  const names: string[] = [];
  let Marker: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { Functions = [], NextMarker } = await lambda.send(new ListFunctionsCommand({ Marker }), { abortSignal });
    names.push(...Functions.map((each) => each.FunctionName ?? ""));
    if (NextMarker === undefined) break;
    Marker = NextMarker;
  }
  return names;
}

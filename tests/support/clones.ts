/** Many clones of one snapshot: made a few at a time, asked once, ended. */
import type { TestFunctions } from "./functions.ts";

/** Of a function of tests/functions/unique: which clone answered, and what each source of chance gave it. */
export interface CloneAnswer {
  readonly clone: string;
  readonly values: Readonly<Record<string, string>>;
}

/** So many at once keep two processors busy; each holds its answer back until the others are there too. */
const AT_ONCE = 8;
const HOLD_MS = 250;

export async function askClones(
  functions: TestFunctions,
  name: string,
  version: string,
  count: number,
): Promise<readonly CloneAnswer[]> {
  const answers = new Map<string, CloneAnswer>();
  while (answers.size < count) {
    const batch = await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - answers.size) }, () => ask(functions, name, version)),
    );
    for (const answer of batch) if (!answers.has(answer.clone)) answers.set(answer.clone, answer);
    await functions.stopEnvironments(name);
  }
  return [...answers.values()];
}

async function ask(functions: TestFunctions, name: string, version: string): Promise<CloneAnswer> {
  const answer = await functions.invoke(name, { holdMs: HOLD_MS }, version);
  if (answer.functionError !== undefined)
    throw new Error(`${answer.functionError}: ${JSON.stringify(answer.payload)}\n${answer.log}`);
  return answer.payload as CloneAnswer;
}

/** How many different values each source gave. */
export function countDistinct(answers: readonly CloneAnswer[]): Readonly<Record<string, number>> {
  const sources = Object.keys(answers[0]?.values ?? {});
  return Object.fromEntries(
    sources.map((source) => [source, new Set(answers.map((answer) => answer.values[source])).size]),
  );
}

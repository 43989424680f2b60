/** Many clones of one snapshot: made a few at a time, asked once, ended. */
import type { TestFunctions } from "./functions.ts";

/**
 * Makes invokes at the same time, each of which has an environment of its own. On a busy machine one may come when
 * another has had its answer already, and takes that one's environment: then all are made again, with new ones.
 */
export function inOwnClones<T>(
  functions: TestFunctions,
  name: string,
  count: number,
  invoke: (n: number) => Promise<T>,
): Promise<readonly T[]> {
  return functions.eventually(`${count} clones of ${name} at once`, async () => {
    await functions.stopEnvironments(name);
    const answers = await Promise.all(Array.from({ length: count }, (_, n) => invoke(n)));
    const environments = await functions.environments(name);
    return environments.filter(({ invokeCount }) => invokeCount > 0).length === count && answers;
  });
}

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

/**
 * A snapshot is the memory as it was: nothing of how its processes end gets into it. Where the end of a thread did, its
 * id was 0 in each clone, glibc took every free lock for its own, and OpenSSL refused to work. It showed on a busy
 * host, in one snapshot of five.
 */
import { it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const ROUNDS = 8;
const AT_ONCE = 3;
const CODE = `import { createHash, randomBytes } from "node:crypto";
export const handler = async () => createHash("sha256").update(randomBytes(8)).digest("hex").length;`;

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

it("locks work in clones of snapshots that were made at the same time", async ({ expect }) => {
  const answers: unknown[] = [];
  const one = async (): Promise<void> => {
    const name = await functions.createSnapStart({ "index.mjs": CODE });
    answers.push((await functions.invoke(name, {}, await functions.publish(name))).payload);
  };
  for (let round = 0; round < ROUNDS; round++) await Promise.all(Array.from({ length: AT_ONCE }, one));
  expect(answers).toEqual(Array.from({ length: ROUNDS * AT_ONCE }, () => 64));
});

// A function with work at Init: it fills a table once; clones of the snapshot have it already.
// SnapStart for zip functions on Node.js is Thaw's extension; AWS has it for container images only.
import { randomUUID } from "node:crypto";

const SIZE = 300_000;
const primes = sieve(SIZE);

function sieve(limit) {
  const composite = new Uint8Array(limit + 1);
  const found = [];
  for (let n = 2; n <= limit; n++) {
    if (composite[n]) continue;
    found.push(n);
    for (let multiple = n * n; multiple <= limit; multiple += n) composite[multiple] = 1;
  }
  return found;
}

const hooks = globalThis.awslambda?.snapStart;
hooks?.registerBeforeSnapshot(() => handler({ below: 100 }));
hooks?.registerAfterRestore(() => console.log("restored"));

export async function handler(event) {
  const below = event.below ?? SIZE;
  return { id: randomUUID(), count: primes.filter((prime) => prime < below).length };
}

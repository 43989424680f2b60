// How long one call takes, in nanoseconds: the best of many rounds, so that the compiler has come to its end.
import crypto from "node:crypto";

const measure = (count, act) => {
  let best = Infinity;
  for (let round = 0; round < 40; round++) {
    const start = process.hrtime.bigint();
    act(count);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count);
  }
  return best;
};
let sink = 0;
const draws = {
  "Math.random": [
    200_000,
    (n) => {
      for (let i = 0; i < n; i++) sink += Math.random();
    },
  ],
  "crypto.randomUUID": [
    20_000,
    (n) => {
      for (let i = 0; i < n; i++) sink += crypto.randomUUID().length;
    },
  ],
  "crypto.randomInt": [
    20_000,
    (n) => {
      for (let i = 0; i < n; i++) sink += crypto.randomInt(1000);
    },
  ],
  "crypto.randomBytes": [
    5_000,
    (n) => {
      for (let i = 0; i < n; i++) sink += crypto.randomBytes(16)[0];
    },
  ],
};
// Every cache is filled and every generator is made before the snapshot.
for (const [, act] of Object.values(draws)) act(2000);

export const handler = async (event) => {
  if (!event.measure) return null;
  return Object.fromEntries(Object.entries(draws).map(([name, [count, act]]) => [name, measure(count, act)]));
};

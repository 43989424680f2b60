import { expect, test } from "vitest";
import { onUse } from "./on-use.ts";

test("nothing is loaded before the first call, and all calls get the same", async () => {
  let loads = 0;
  const load = onUse(async () => ({ load: ++loads }));
  expect(loads).toBe(0);
  const [first, second] = await Promise.all([load(), load()]);
  expect(first).toBe(second);
  expect(await load()).toBe(first);
  expect(loads).toBe(1);
});

test("all that wait hear why a load failed, and the next call tries again", async () => {
  let loads = 0;
  const load = onUse(async () => {
    if (++loads === 1) throw new Error("the file is gone");
    return "loaded";
  });
  const waiting = [load(), load()];
  for (const each of waiting) await expect(each).rejects.toThrow("the file is gone");
  expect(await load()).toBe("loaded");
  expect(loads).toBe(2);
});

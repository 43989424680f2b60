/** The page is not there outside a sandbox, so the generator is looked at through a file that plays its part. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const PROGRAM = `
const buffer = new ArrayBuffer(4096);
const page = new Uint32Array(buffer, 8, 2);
process.dlopen = (module) => { module.exports.page = buffer; };
await import(${JSON.stringify(join(import.meta.dirname, "unique.cts"))});
if (globalThis[Symbol.for("thaw.generation")] === null) throw new Error("no page");
page[0] = 1;
const values = Array.from({ length: 200_000 }, () => Math.random());
const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
const tenths = Array.from({ length: 10 }, (_, i) => values.filter((value) => Math.floor(value * 10) === i).length);
console.log(JSON.stringify({ mean, tenths, min: Math.min(...values.slice(0, 50_000)), max: Math.max(...values.slice(0, 50_000)), distinct: new Set(values).size, name: Math.random.name, length: Math.random.length }));
`;

test("Math.random after a restore is even, and never repeats itself", () => {
  const out = execFileSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM],
    { encoding: "utf8" },
  );
  const found = JSON.parse(out) as {
    mean: number;
    tenths: number[];
    min: number;
    max: number;
    distinct: number;
    name: string;
    length: number;
  };
  expect(found).toMatchObject({ name: "random", length: 0, distinct: 200_000 });
  expect(Math.abs(found.mean - 0.5)).toBeLessThan(0.01);
  for (const count of found.tenths) expect(Math.abs(count - 20_000)).toBeLessThan(1000);
  expect(found.min).toBeGreaterThanOrEqual(0);
  expect(found.max).toBeLessThan(1);
});

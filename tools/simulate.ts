/**
 * npm run simulate -- [seeds] [first seed] [moves]: the simulation of the control plane over many seeds; prints those
 * that fail.
 */
import { simulate } from "../tests/control/simulation.ts";

const [seeds = 500, first = 1, moves = 60] = process.argv.slice(2).map(Number);
const failed: number[] = [];
const totals = { moves: 0, crashes: 0, events: 0, snapshots: 0, expired: 0 };
const startMs = performance.now();
for (let seed = first; seed < first + seeds; seed++) {
  const report = await simulate(seed, moves);
  for (const name of Object.keys(totals) as Array<keyof typeof totals>) totals[name] += report[name];
  if (report.problems.length === 0) continue;
  failed.push(seed);
  process.stdout.write(`seed ${seed} fails:\n  ${report.problems.slice(0, 5).join("\n  ")}\n`);
}
process.stdout.write(
  `${JSON.stringify({ seeds, failed, ...totals, seconds: Math.round((performance.now() - startMs) / 1000) })}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

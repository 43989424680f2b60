/** Before and after all system tests: nothing of Thaw may be left on the machine. */
import { findTraces, leftSince } from "../../tools/leaks.ts";

export default function setup(): () => Promise<void> {
  const before = findTraces();
  return async () => {
    const left = await leftSince(before);
    if (left.length === 0) return;
    process.stderr.write(`left behind by the tests:\n  ${left.join("\n  ")}\n`);
    process.exitCode = 1;
    throw new Error(`${left.length} things were left behind`);
  };
}

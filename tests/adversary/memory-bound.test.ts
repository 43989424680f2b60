// alone: one function holds 1.5 GiB, and sandboxd's peak is measured
/**
 * Taking a snapshot streams: sandboxd's memory stays under a stated bound, whatever the function holds
 * (docs/formats/snapshot.md).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { TestSandboxd } from "../support/sandboxd.ts";
import { SELF_CHECKING } from "./program.ts";

const MIB = 1024 * 1024;
const HELD_BYTES = 1536 * MIB;
const BOUND_BYTES = 64 * MIB + HELD_BYTES / 64;

const HOLDS_MUCH = SELF_CHECKING.replace(
  "\n\ndef check",
  `\nimport os\nheld = [os.urandom(1 << 20) for _ in range(${HELD_BYTES / MIB})]\n\n\ndef check`,
);

function fieldBytes(path: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(path, "utf8"))?.[1];
  if (found === undefined) throw new Error(`${path} has no ${field}`);
  return Number(found) * 1024;
}

it("1.5 GiB of random bytes", { timeout: 240_000 }, async () => {
  const sandboxd = await TestSandboxd.start();
  try {
    const clone = await sandboxd.create(HOLDS_MUCH, { memorySizeMib: 3008 });
    await clone.ready();
    const status = `/proc/${sandboxd.pid}/status`;
    const before = fieldBytes(status, "VmRSS");
    // The high-water mark starts from here.
    writeFileSync(`/proc/${sandboxd.pid}/clear_refs`, "5");
    const availableBefore = fieldBytes("/proc/meminfo", "MemAvailable");
    let availableMin = availableBefore;
    const watching = new AbortController();
    const watch = (async () => {
      while (!watching.signal.aborted) {
        availableMin = Math.min(availableMin, fieldBytes("/proc/meminfo", "MemAvailable"));
        // sleeps: samples a figure until the snapshot is taken
        await delay(50);
      }
    })();
    const taken = await sandboxd.take(clone);
    watching.abort();
    await watch;
    const peak = fieldBytes(status, "VmHWM");
    process.stdout.write(
      `function ${Math.round(taken.memoryBytes / MIB)} MiB; sandboxd before ${Math.round(before / MIB)} MiB, peak ${Math.round(peak / MIB)} MiB; ` +
        `host's available memory fell by ${Math.round((availableBefore - availableMin) / MIB)} MiB; ${JSON.stringify(taken.phases)}\n`,
    );
    expect(taken.memoryBytes).toBeGreaterThan(HELD_BYTES);
    expect(peak - before).toBeLessThan(BOUND_BYTES);
    // Dumping must not double the memory: page cache of what was written counts as available.
    expect(availableBefore - availableMin).toBeLessThan(HELD_BYTES / 2);
    const restored = await sandboxd.restore(taken.snapshotId, clone.spec);
    expect(await restored.invoke()).toBe("ok");
  } finally {
    await sandboxd.remove();
  }
});

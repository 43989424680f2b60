import { it } from "vitest";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { TelemetryHub } from "./hub.ts";

/** Subscribes now; resolves with the lines that were sent at once. */
async function replayed(hub: TelemetryHub, clock: FakeClock): Promise<readonly string[]> {
  const lines: string[] = [];
  hub.subscribe("late", {
    form: { api: "telemetry", schemaVersion: "2022-12-13", isJson: false },
    types: ["function"],
    destination: { protocol: "HTTP", port: 4243, path: "/", method: "POST" },
    buffering: { maxItems: 10_000, maxBytes: 1_048_576, timeoutMs: 25 },
    link: {
      post: async ({ body }) => {
        lines.push(...(JSON.parse(body.toString()) as ReadonlyArray<{ record: string }>).map(({ record }) => record));
        return 200;
      },
      connect: () => {
        throw new Error("nobody connects");
      },
    },
  });
  for (let round = 0; round < 10; round++) await clock.advance(100);
  hub.reset();
  return lines;
}

it("replays at most 10,000 events and 1 MiB of lines to whoever comes late, the oldest", async ({ expect }) => {
  const clock = new FakeClock();
  const many = new TelemetryHub(clock);
  for (let line = 0; line < 10_100; line++) many.line("runtime", String(line));
  const first = await replayed(many, clock);
  expect([first.length, first[0], first.at(-1)]).toEqual([10_000, "0", "9999"]);
  const long = new TelemetryHub(clock);
  for (let line = 0; line < 20; line++) long.line("runtime", "x".repeat(100 * 1024));
  expect(await replayed(long, clock)).toHaveLength(10);
});

it("replays nothing once Init is over", async ({ expect }) => {
  const clock = new FakeClock();
  const hub = new TelemetryHub(clock);
  hub.line("runtime", "early");
  hub.close();
  expect(await replayed(hub, clock)).toEqual([]);
});

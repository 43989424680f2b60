import { expect, it } from "vitest";
import { Unseen } from "./unseen.ts";

const event = (timestampMs: number, message: string) => ({ timestampMs, logStream: "s", message });

it("gives each event once over connections that begin again at the last millisecond", () => {
  const all = [event(1, "a"), event(2, "b"), event(2, "b"), event(2, "c"), event(3, "d"), event(3, "d")];
  for (let cut = 0; cut <= all.length; cut++) {
    const unseen = new Unseen(0);
    const got: string[] = [];
    const read = (events: typeof all): void => {
      const { sinceMs } = unseen;
      unseen.begin();
      for (const each of events.filter(({ timestampMs }) => timestampMs >= sinceMs))
        if (unseen.take(each)) got.push(each.message);
    };
    read(all.slice(0, cut));
    read(all);
    read(all);
    expect(got).toEqual(all.map(({ message }) => message));
  }
});

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

/** Follows over connections that break, each after so many events of what is written by then. */
function follow(
  unseen: Unseen,
  written: readonly Event[],
  breaks: ReadonlyArray<readonly [written: number, read: number]>,
) {
  const got: string[] = [];
  for (const [count, read] of breaks) {
    const { sinceMs } = unseen;
    unseen.begin();
    const given = written.slice(0, count).filter(({ timestampMs }) => timestampMs >= sinceMs);
    for (const each of given.slice(0, read)) if (unseen.take(each)) got.push(each.message);
  }
  return got;
}

type Event = ReturnType<typeof event>;

it("gives an event that is written later than a newer one, also where no connection was there", () => {
  const written = [
    event(5000, "a"),
    event(9000, "newest"),
    event(4000, "late"),
    event(8999, "later"),
    event(4000, "late"),
  ];
  expect(
    follow(new Unseen(0), written, [
      [2, 9],
      [5, 9],
      [5, 9],
    ]),
  ).toEqual(["a", "newest", "late", "later", "late"]);
  // It breaks while it gives again what was seen.
  for (let read = 0; read <= 5; read++)
    expect(
      follow(new Unseen(0), written, [
        [2, 9],
        [5, read],
        [5, 9],
      ]).toSorted(),
    ).toEqual(["a", "newest", "late", "later", "late"].toSorted());
});

it("forgets what is before its window, and asks for it no more", () => {
  const unseen = new Unseen(7, { events: 100, windowMs: 1000 });
  expect(unseen.sinceMs).toBe(7);
  const written = [event(5000, "a"), event(9000, "b"), event(9900, "c")];
  expect(
    follow(unseen, written, [
      [3, 9],
      [3, 9],
    ]),
  ).toEqual(["a", "b", "c"]);
  expect(unseen.sinceMs).toBe(8900);
});

it("has a bound, also for events of one moment, and gives none twice", () => {
  const many = Array.from({ length: 1000 }, (_, at) => event(1000 + at, `${at}`));
  const unseen = new Unseen(0, { events: 100, windowMs: 1_000_000 });
  expect(
    follow(unseen, many, [
      [1000, 1000],
      [1000, 1000],
    ]),
  ).toHaveLength(1000);
  // So many are given again at most.
  expect(many.filter(({ timestampMs }) => timestampMs >= unseen.sinceMs).length).toBeLessThanOrEqual(100);
  const alike = Array.from({ length: 1000 }, (_, at) => event(5, `${at}`));
  expect(
    follow(new Unseen(0, { events: 100, windowMs: 1000 }), alike, [
      [1000, 1000],
      [1000, 1000],
    ]),
  ).toHaveLength(1000);
});

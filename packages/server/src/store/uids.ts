/** Users that functions run as: numbers that go round, so that one is given again as late as possible. */
const UID_FIRST = 100_000;
/** As many as sandboxd takes. */
const UID_COUNT = 65_536;

/** The next one after `last` (null: none was given yet) that is not used; null where all are. */
export function freeUid(last: number | null, used: ReadonlySet<number>): number | null {
  const from = last === null ? UID_FIRST : last + 1;
  for (let step = 0; step < UID_COUNT; step++) {
    const uid = UID_FIRST + ((from - UID_FIRST + step) % UID_COUNT);
    if (!used.has(uid)) return uid;
  }
  return null;
}

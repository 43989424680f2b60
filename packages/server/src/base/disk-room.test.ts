import { expect, test } from "vitest";
import { watchRoom } from "./disk-room.ts";

const MIB = 1024 * 1024;

test("large content ends where it would leave too little; small content is not looked at", () => {
  let freeMib = 600;
  let looks = 0;
  const freeBytes = (): number => {
    looks++;
    return freeMib * MIB;
  };
  const watch = watchRoom(freeBytes, 512 * MIB);
  for (let written = 0; written < 63; written++) expect(watch(MIB)).toBeNull();
  expect(looks).toBe(0);
  expect([watch(MIB), looks]).toEqual([null, 1]);
  freeMib = 511;
  expect(watch(63 * MIB)).toBeNull();
  expect(watch(MIB)).toMatchObject({ code: "ENOSPC" });
  // Another request's content.
  expect(watchRoom(freeBytes, 512 * MIB)(MIB)).toBeNull();
});

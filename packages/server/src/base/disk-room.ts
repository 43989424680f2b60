/**
 * Room on the disk that large content must leave to others: to the files of functions, to snapshots, to what they log.
 */

/** Watches what one request writes: told of added bytes, it says why it must end there, or null. */
export type RoomWatch = (addedBytes: number) => Error | null;

/** What is written between two looks at the disk; smaller content is never refused. */
const LOOK_EVERY_BYTES = 64 * 1024 * 1024;

export const ALL_ROOM: RoomWatch = () => null;

/** @param freeBytes - Looks at the disk. */
export function watchRoom(freeBytes: () => number, leastBytes: number): RoomWatch {
  let unseenBytes = 0;
  return (addedBytes) => {
    unseenBytes += addedBytes;
    if (unseenBytes < LOOK_EVERY_BYTES) return null;
    unseenBytes = 0;
    if (freeBytes() >= leastBytes) return null;
    // For who asked the disk is full, as where the kernel says so.
    return Object.assign(new Error(`less than ${leastBytes} bytes of the disk are free`), { code: "ENOSPC" });
  };
}

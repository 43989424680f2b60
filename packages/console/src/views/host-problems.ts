/** What keeps a host from its work, in sentences: for its own page, and for the first one that an operator sees. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { inBytes } from "../words.ts";

type Host = AnswerOf<"describeHost">;
type Judged = Pick<Host, "criuProblem" | "snapshotsProblem"> & {
  readonly network: Pick<Host["network"], "problem">;
  readonly disk: Pick<Host["disk"], "freeBytes" | "sizeBytes">;
};

/** Below this share of a disk little can be kept any more. */
const FREE_SHARE_MIN = 0.05;

export function problemsOf({ criuProblem, snapshotsProblem, network, disk }: Judged): readonly string[] {
  const isFull = disk.freeBytes < disk.sizeBytes * FREE_SHARE_MIN;
  const given = [
    criuProblem === null ? null : `CRIU can't be used here: ${criuProblem}`,
    snapshotsProblem === null ? null : `No snapshots: ${snapshotsProblem}`,
    network.problem === null ? null : `No sandbox is made: ${network.problem}`,
    isFull ? `The disk is nearly full: ${inBytes(disk.freeBytes)} free of ${inBytes(disk.sizeBytes)}` : null,
  ];
  return given.filter((text) => text !== null);
}

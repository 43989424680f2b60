/** The state of a version's snapshot. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { Badge, type Tone } from "./parts.tsx";

type Snapshot = AnswerOf<"listSnapshots">["snapshots"][number];

const TONES: Readonly<Record<Snapshot["status"], Tone>> = {
  creating: "busy",
  waiting: "busy",
  ready: "good",
  refreshing: "good",
  "refresh waiting": "good",
  "refresh failed": "bad",
  idle: "plain",
  failed: "bad",
};

export function SnapshotBadge({
  snapshot,
  withVersion = false,
}: {
  readonly snapshot: Pick<Snapshot, "status" | "version" | "reason">;
  readonly withVersion?: boolean;
}) {
  const { status, version, reason } = snapshot;
  return (
    <>
      <Badge tone={TONES[status]}>
        {status}
        {withVersion && ` (version ${version})`}
      </Badge>
      {reason !== null && <div class="muted">{reason}</div>}
    </>
  );
}

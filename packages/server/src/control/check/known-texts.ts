/** What each clone of a check is given alike: a value of an answer that is in it is rightly the same in all of them. */
import type { RunnableVersion } from "../../ports/worker.ts";

/** Bytes of the event in which values are looked for: up to 2,000 are, each from the beginning. */
export const EVENT_SIZE_MAX = 256 * 1024;

type Known = Pick<
  RunnableVersion,
  "functionArn" | "accountId" | "codeName" | "logGroup" | "snapshotId" | "environment"
>;

/** Lists the texts that every clone is given alike. */
export function knownTexts(version: Known, payload: Buffer): readonly string[] {
  const { functionArn, accountId, codeName, logGroup, snapshotId } = version;
  return [
    payload.toString("utf8", 0, EVENT_SIZE_MAX),
    functionArn,
    accountId,
    codeName,
    logGroup,
    snapshotId ?? "",
    ...Object.entries(version.environment).flat(),
  ];
}

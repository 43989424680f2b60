/** The stage of an HTTP API that a request asks. */
import { DEFAULT_STAGE, type HttpApiRecord, type HttpStageRecord } from "../../../model/http-api/record.ts";

export interface AskedStage {
  readonly stage: HttpStageRecord;
  /** The path without the stage's name. */
  readonly path: string;
}

/** The first part of a path is a stage's name, or the path is one of the default stage. Null: there is none. */
export function stageOf({ stages }: HttpApiRecord, path: string): AskedStage | null {
  const end = path.indexOf("/", 1);
  const first = end === -1 ? path.slice(1) : path.slice(1, end);
  const named = stages.find(({ name }) => name === first && name !== DEFAULT_STAGE);
  if (named !== undefined) return { stage: named, path: end === -1 ? "/" : path.slice(end) };
  const own = stages.find(({ name }) => name === DEFAULT_STAGE);
  return own === undefined ? null : { stage: own, path };
}

export { combineCrcs } from "../aws/s3/crc-combine.ts";
export { filterOf } from "../control/event-sources/filters.ts";
export { readImage } from "../images/manifest.ts";
export { compareClones } from "../model/compare-clones.ts";
export { EventPattern, MatchedEvent } from "../model/event-pattern.ts";
export { compileSchema } from "../model/json-schema/compile.ts";
export { loadLinearExpressions } from "../model/json-schema/linear-expressions.ts";
export { nextTime, readSchedule } from "../model/schedule/expression.ts";

export type { TransformOutcome } from "../ports/template-transform.ts";
export { createSamTransform } from "../transforms/sam-transform.ts";

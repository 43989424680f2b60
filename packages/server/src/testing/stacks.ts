export type { Handlers } from "../stacks/handlers/create-handlers.ts";
export { describeType } from "../stacks/handlers/describe-type.ts";
export { TYPE_SPECS } from "../stacks/handlers/generated/type-specs.ts";
export { type Handler, HandlerError } from "../stacks/handlers/handler.ts";
export { StackEngine } from "../stacks/stack-engine.ts";

export { createHandlers } from "../stacks/handlers/create-handlers.ts";
export { type HandlerContext, HandlerError } from "../stacks/handlers/handler.ts";

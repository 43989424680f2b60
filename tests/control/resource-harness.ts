/** A stack's resources by their handlers, without a stack: made, made again after a crash, changed, removed. */
import { systemClock } from "@thaw/server/testing/base";
import { createHandlers, type HandlerContext } from "@thaw/server/testing/handlers";
import { NO_PASSED_SERVICES, type PassedServices } from "@thaw/server/testing/ports";

type AnyHandler = NonNullable<ReturnType<ReturnType<typeof createHandlers>["handlerOf"]>>;
type Properties = Parameters<AnyHandler["create"]>[0];

const STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/shop/1";

/** `everyMs`-waits of handlers look again without a pause. */
export function resourcesOf(
  services: HandlerContext["services"],
  passed: Pick<PassedServices, "hasEndpoint"> = NO_PASSED_SERVICES,
) {
  const contextOf = (logicalId: string): HandlerContext => ({
    scope: { accountId: "000000000000", region: "us-east-1" },
    stackId: STACK,
    stackName: "shop",
    logicalId,
    token: "token",
    isRetry: false,
    tags: {
      team: "a",
      "aws:cloudformation:stack-id": STACK,
      "aws:cloudformation:stack-name": "shop",
      "aws:cloudformation:logical-id": logicalId,
    },
    signal: new AbortController().signal,
    services,
    makeName: (max, { isLower = false } = {}) => {
      const name = `shop-${logicalId}-TOKEN`.slice(0, max);
      return isLower ? name.toLowerCase() : name;
    },
    until: async (ask) => {
      for (;;) {
        const answer = await ask();
        if (answer !== null) return answer;
      }
    },
  });
  const handlers = createHandlers({ door: null, clock: systemClock, passed, callsServices: () => false });
  /** A resource of the stack: its handler with its context. */
  const resource = (type: string, logicalId: string) => {
    const handler = handlers.handlerOf(type);
    if (handler === null) throw new Error(`no handler of ${type}`);
    const context = contextOf(logicalId);
    return {
      create: (properties: Properties) => handler.create(properties, context),
      again: (properties: Properties) => handler.create(properties, { ...context, isRetry: true }),
      update: (physicalId: string, before: Properties, after: Properties) =>
        handler.update({ physicalId, attributes: {}, properties: before }, after, { ...context, token: "later" }),
      remove: (physicalId: string, properties: Properties) =>
        handler.remove({ physicalId, attributes: {}, properties }, context),
    };
  };
  return resource;
}

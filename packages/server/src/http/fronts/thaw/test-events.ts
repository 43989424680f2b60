/** test-events/FUNCTION, test-events/FUNCTION/NAME */
import type { Handlers, ScopedServices } from "./handlers.ts";

type TestEventRoute = "listTestEvents" | "getTestEvent" | "putTestEvent" | "deleteTestEvent";

/** Makes the handlers of the routes about saved test events. */
export function testEventHandlers({ control: { testEvents } }: ScopedServices): Handlers<TestEventRoute> {
  return {
    listTestEvents: ({ parameters }) => testEvents.list(parameters.function),
    getTestEvent: ({ parameters }) => testEvents.get(parameters.function, parameters.name),
    putTestEvent: ({ parameters, body }) => testEvents.put(parameters.function, parameters.name, body.event),
    deleteTestEvent: ({ parameters }) => testEvents.remove(parameters.function, parameters.name),
  };
}

/** test-events/FUNCTION, test-events/FUNCTION/NAME, prime-events/FUNCTION */
import type { Handlers, ScopedServices } from "./handlers.ts";

type TestEventRoute = "listTestEvents" | "getTestEvent" | "putTestEvent" | "deleteTestEvent" | "readPrimeEvents";

/** Makes the handlers of the routes about saved test events, and prime events. */
export function testEventHandlers({ control: { primeEvents, testEvents } }: ScopedServices): Handlers<TestEventRoute> {
  return {
    listTestEvents: ({ parameters }) => testEvents.list(parameters.function),
    getTestEvent: ({ parameters }) => testEvents.get(parameters.function, parameters.name),
    putTestEvent: ({ parameters, body }) => testEvents.put(parameters.function, parameters.name, body.event),
    readPrimeEvents: ({ parameters }) => primeEvents.read(parameters.function),
    deleteTestEvent: ({ parameters }) => testEvents.remove(parameters.function, parameters.name),
  };
}

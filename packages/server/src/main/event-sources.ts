/** The services that event source mappings read. AWS's clients are loaded when one is first used. */
import type { AwsSourcesOptions } from "../event-sources/aws-clients.ts";
import type { EventSources } from "../ports/event-sources.ts";

export function createEventSources(options: AwsSourcesOptions): EventSources {
  let loaded: Promise<EventSources> | null = null;
  const load = (): Promise<EventSources> =>
    (loaded ??= import("../event-sources/aws-event-sources.ts").then(
      ({ AwsEventSources }) => new AwsEventSources(options),
    ));
  return {
    hasEndpoint: (service) =>
      options.endpoints.has(service) || (service === "dynamodb" && options.endpoints.has("dynamodbstreams")),
    queue: async (ref) => (await load()).queue(ref),
    stream: async (ref) => (await load()).stream(ref),
    close: () => void loaded?.then((sources) => sources.close()),
  };
}

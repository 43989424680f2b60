/** The services behind destinations of asynchronous invokes. AWS's clients are loaded when one is first used. */
import type { AwsDestinationsOptions } from "../destinations/aws-destinations.ts";
import type { Destinations } from "../ports/destinations.ts";

export function createDestinations(options: AwsDestinationsOptions): Destinations {
  let loaded: Promise<Destinations> | null = null;
  const load = (): Promise<Destinations> =>
    (loaded ??= import("../destinations/aws-destinations.ts").then(
      ({ AwsDestinations }) => new AwsDestinations(options),
    ));
  return {
    hasEndpoint: (service) => options.endpoints.has(service),
    problemOf: async (target) => (await load()).problemOf(target),
    send: async (target, message) => (await load()).send(target, message),
    close: () => void loaded?.then((destinations) => destinations.close()),
  };
}

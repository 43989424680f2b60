/** The services that stacks pass through. AWS's clients are loaded when one is first used. */
import type { PassedServicesOptions } from "../passed-services/aws-passed-services.ts";
import type { PassedServices } from "../ports/passed-services.ts";

export function createPassedServices(options: PassedServicesOptions): PassedServices {
  let loaded: Promise<PassedServices> | null = null;
  const load = (): Promise<PassedServices> =>
    (loaded ??= import("../passed-services/aws-passed-services.ts").then(
      ({ AwsPassedServices }) => new AwsPassedServices(options),
    ));
  return {
    hasEndpoint: (service) => options.endpoints.has(service),
    call: async (...call) => (await load()).call(...call),
    close: () => void loaded?.then((services) => services.close()),
  };
}

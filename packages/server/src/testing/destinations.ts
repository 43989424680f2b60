export { AwsDestinations } from "../destinations/aws-destinations.ts";
export type { DestinationMessage, DestinationTarget } from "../model/destination.ts";
export { DestinationError, type Destinations } from "../ports/destinations.ts";

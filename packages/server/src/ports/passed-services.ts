/**
 * Services that Thaw has not, and passes through: stacks make queues, tables, topics, streams and secrets with real
 * calls to an endpoint that the operator named. Owned by main, implemented by passed-services/.
 */
import type { CallInput, CallOutput } from "./service-calls.ts";

export const PASSED_SERVICES = ["sqs", "sns", "dynamodb", "kinesis", "secretsmanager"] as const;
export type PassedService = (typeof PASSED_SERVICES)[number];

export interface PassedServices {
  /** Whether the operator has named an endpoint of the service: nothing is asked of a service without one. */
  hasEndpoint(service: PassedService): boolean;
  /**
   * Carries out one operation with the operator's credentials. Members are those of AWS's model, and are checked by the
   * service alone. Throws a CallError where the service refuses or can't be reached, with the code `EndpointAway` then.
   */
  call(region: string, service: PassedService, operation: string, input: CallInput): Promise<CallOutput>;
  close(): void;
}

export function isPassed(service: string): service is PassedService {
  return PASSED_SERVICES.some((each) => each === service);
}

/** For whoever may use none: an account that is not the operator's. */
export const NO_PASSED_SERVICES: PassedServices = {
  hasEndpoint: () => false,
  call: (_region, service) => Promise.reject(new Error(`no endpoint is named for ${service}`)),
  close: () => undefined,
};

/** What to do where there is none. */
export function endpointAdvice(service: PassedService): string {
  return `start the server with --aws-endpoint ${service}=URL`;
}

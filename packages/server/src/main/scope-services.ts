/** The services of a scope and its stacks, which call one another. */
import type { AwsService } from "../aws/aws-service.ts";
import type { AwsServicesParts } from "../aws/create-services.ts";
import { onUse } from "../base/on-use.ts";
import type { ServiceCalls } from "../ports/service-calls.ts";
import type { AddressOf, StackEngineParts } from "../stacks/stack-engine.ts";
import { ScopeStacks } from "./scope-stacks.ts";
import type { ServiceCallsParts } from "./service-calls.ts";

export type OwnServices = Pick<AwsServicesParts, "buses" | "schedules" | "testEvents" | "loadStacks" | "services">;

export interface ScopeServicesParts
  extends Omit<StackEngineParts, "services" | "passed">,
    Pick<ServiceCallsParts, "operations" | "s3" | "passed" | "topics">,
    Pick<AwsServicesParts, "buses" | "schedules" | "testEvents"> {
  readonly create: (own: OwnServices) => readonly AwsService[];
}

export function createScopeServices({
  create,
  operations,
  s3,
  topics,
  buses,
  schedules,
  testEvents,
  ...parts
}: ScopeServicesParts) {
  const { scope, random, passed } = parts;
  let awsServices: readonly AwsService[] = [];
  const services = (addressOf: AddressOf): ServiceCalls =>
    callsOnUse(() => ({ scope, operations, awsServices, s3, random, addressOf, passed, topics }));
  const stacks = new ScopeStacks({ ...parts, services });
  // Addresses in its answers are shown to nobody.
  const own = services((_label, id) => id);
  awsServices = create({ buses, schedules, testEvents, loadStacks: stacks.load, services: own });
  return { awsServices, stacks, services };
}

/** Calls without HTTP, for stacks and templates: whoever makes none does without their models. */
function callsOnUse(parts: () => ServiceCallsParts): ServiceCalls {
  const load = onUse(async () => {
    const { createServiceCalls } = await import("./service-calls.ts");
    return createServiceCalls(parts());
  });
  return { call: async (...call) => (await load()).call(...call) };
}

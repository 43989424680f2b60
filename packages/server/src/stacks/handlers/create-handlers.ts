/** All types of resources: those with a handler, real or recorded, and why the others are refused. */
import type { ResourceTypes } from "@thaw/stacks/resource-type";
import type { PassedServices } from "../../ports/passed-services.ts";
import { type CustomResourceParts, customResourceHandler } from "./custom-resource.ts";
import { REPOSITORY } from "./ecr-repository.ts";
import { EVENT_BUS } from "./event-bus.ts";
import { EVENT_RULE } from "./event-rule.ts";
import type { Handler } from "./handler.ts";
import { IAM_HANDLERS } from "./iam-handlers.ts";
import { LAMBDA_HANDLERS } from "./lambda/lambda.ts";
import { LOG_GROUP } from "./log-group.ts";
import { NESTED_STACK } from "./nested-stack.ts";
import { HTTP_APIS } from "./http-api.ts";
import { REST_APIS } from "./rest-api.ts";
import { PASSED_HANDLERS } from "./passed/handlers.ts";
import { recordedHandlers } from "./recorded.ts";
import { refusalOf } from "./refused-types.ts";
import { BUCKETS } from "./s3-bucket.ts";
import { CDK_NOTIFICATIONS } from "./cdk-notifications.ts";
import { PARAMETER } from "./ssm-parameter.ts";
import { SCHEDULES } from "./schedule.ts";

export interface Handlers extends ResourceTypes {
  /** Null: the type is refused, or unknown. */
  handlerOf(type: string): Handler | null;
}

/** The types that Thaw makes, or records by a service's own operations; each service has its own list. */
const REAL: readonly Handler[] = [
  EVENT_BUS,
  EVENT_RULE,
  ...SCHEDULES,
  ...LAMBDA_HANDLERS,
  NESTED_STACK,
  ...BUCKETS,
  CDK_NOTIFICATIONS,
  LOG_GROUP,
  PARAMETER,
  REPOSITORY,
  ...IAM_HANDLERS,
  ...HTTP_APIS,
  ...REST_APIS,
  ...PASSED_HANDLERS,
];

/** As CloudFormation allows. */
const CUSTOM_NAME = /^Custom::[A-Za-z0-9_@-]{1,52}$/;
const CUSTOM = "AWS::CloudFormation::CustomResource";

export interface HandlersParts extends CustomResourceParts {
  readonly passed: Pick<PassedServices, "hasEndpoint">;
}

export function createHandlers({ passed, ...custom }: HandlersParts, all: readonly Handler[] = REAL): Handlers {
  // Policies of queues and topics are recorded where the things themselves are elsewhere.
  const real = all.filter(({ service }) => service === undefined || passed.hasEndpoint(service));
  const handlerOf = (type: string): Handler | null => {
    const own = byType.get(type) ?? null;
    return own === null && (type === CUSTOM || CUSTOM_NAME.test(type)) ? customResourceHandler(type, custom) : own;
  };
  const taken = new Set(real.map(({ type }) => type.name));
  const byType = new Map([...real, ...recordedHandlers(taken)].map((each) => [each.type.name, each]));
  const serviceOf = new Map(all.map(({ type, service }) => [type.name, service]));
  return {
    handlerOf,
    find: (type) => handlerOf(type)?.type ?? null,
    isReplaced: (type, before, after) => handlerOf(type)?.isReplaced?.(before, after) ?? false,
    refusal: (type) => (handlerOf(type) === null ? refusalOf(type, serviceOf.get(type) ?? null) : null),
  };
}

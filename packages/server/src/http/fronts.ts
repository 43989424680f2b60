/**
 * The APIs on the listener: chosen by the head of a request for Thaw's own, by the service in the signature's scope for
 * AWS's.
 */
import { type ForeignHead, LAMBDA, readForeign, type WireProtocol } from "@thaw/aws-api";
import type { AwsService, LoadedService } from "../aws/aws-service.ts";
import type { AccountScope } from "../model/function-name.ts";
import { isS3Host } from "@thaw/aws-api/protocols/s3-address";
import { PREFIX, PUBLIC_ROUTES } from "@thaw/thaw-api/prefix";
import type { Front } from "./fronts/front.ts";
import type { ChooseFront, FrontChoice, FrontRule } from "./fronts/front-rule.ts";
import { createOtherFront, otherService } from "./fronts/other-services.ts";
import { createLambdaFront } from "./fronts/lambda-front.ts";
import { frontOnUse, type RefusingFront } from "./fronts/front-on-use.ts";
import { createServiceFront } from "./fronts/service-front.ts";
import type { OnProblem } from "./fronts/thaw/front.ts";
import { type HostLabel, hostTargetOf } from "./fronts/host-target.ts";
import { API_LABEL, createApisFront } from "./fronts/apis.ts";
import type { CallServices } from "./fronts/http-call.ts";
import { consoleRule } from "./fronts/console/front.ts";
import { createTopicsFront, isTopicPath } from "./fronts/topics.ts";
import { createUrlFront } from "./fronts/urls/front.ts";
import type { ThawApiServices } from "./fronts/thaw/handlers.ts";
import { refusalOf } from "./reply.ts";
import type { Scopes } from "./scopes.ts";

/** Its name in scopes. */
const S3 = "s3";

interface Fronts {
  readonly all: ChooseFront;
  /** AWS's services, without anything of Thaw's own and anything that asks for no signature. */
  readonly forFunctions: ChooseFront;
}

/**
 * Creates all fronts and the choice between them. A rule that goes by the host stands before those that go by the path:
 * all paths of such a host are its own.
 */
export function createFronts(
  services: ThawApiServices & Omit<CallServices, "onProblem">,
  onProblem: OnProblem,
): Fronts {
  const { scopes } = services;
  const loadThaw = async (): Promise<RefusingFront> => {
    const { createThawFront } = await import("./fronts/thaw/front.ts");
    return { ...createThawFront(services, onProblem), refuse: refusalOf };
  };
  const thaw = frontOnUse(loadThaw, () => null, onProblem);
  const lambda = createLambdaFront({ scopes, onProblem });
  const protocolOf = (head: ForeignHead): WireProtocol | null => readForeign(head)?.protocol ?? null;
  const byService = { [LAMBDA.scope]: lambda };
  const urls = createUrlFront({ ...services, onProblem });
  const apis = createApisFront({ ...services, onProblem });
  const others = scopes.home.awsServices.map((service) => ({
    service,
    front: frontOnUse(() => loadServiceFront(service, scopes, onProblem), protocolOf, onProblem),
  }));
  const stacks = others.find(({ service }) => service.scope === "cloudformation") ?? null;
  const loadS3 = async (): Promise<RefusingFront> => {
    const { createS3Front } = await import("./fronts/s3/front.ts");
    return createS3Front({ ...services, onProblem });
  };
  const s3 = frontOnUse(loadS3, () => S3, onProblem);
  const ofAws = [s3Rule(s3), serviceRule(others)];
  const own = [
    hostRule("lambda-url", LAMBDA.scope, urls),
    hostRule(API_LABEL, API_LABEL, apis),
    consoleRule({ ...services.console, isTrustedProxy: services.isTrustedProxy, thaw, lambda, stacks }),
    topicRule(createTopicsFront(scopes, onProblem)),
    thawRule(thaw),
  ];
  return {
    all: chooseByRules([...own, ...ofAws], awsChoice(byService)),
    forFunctions: chooseByRules(ofAws, awsChoice(byService)),
  };
}

async function loadServiceFront(service: AwsService, scopes: Scopes, onProblem: OnProblem): Promise<RefusingFront> {
  const ownOf = async (caller: AccountScope): Promise<LoadedService> => {
    const { awsServices } = await scopes.of(caller);
    return (awsServices.find(({ callName }) => callName === service.callName) ?? service).load();
  };
  return createServiceFront(await service.load(), ownOf, onProblem);
}

/** Chooses by the first rule that takes a request, and `last` where none does. */
export function chooseByRules(rules: readonly FrontRule[], last: FrontChoice): ChooseFront {
  return (head) => {
    for (const rule of rules) {
      const choice = rule(head);
      if (choice !== null) return choice;
    }
    return last;
  };
}

/** A function URL, and a route of an HTTP API, say themselves whether they ask for a signature. */
function hostRule(label: HostLabel, service: string, front: Front): FrontRule {
  const choice: FrontChoice = { services: [service], isPublic: true, of: () => front, refuse: refusalOf };
  return (head) => (hostTargetOf(head, label) === null ? null : choice);
}

/** Services sign no requests with a key of ours: the path is the secret. */
function topicRule(front: Front): FrontRule {
  const choice: FrontChoice = { services: [], isPublic: true, of: () => front, refuse: refusalOf };
  return (head) => (isTopicPath(head) ? choice : null);
}

function thawRule(thaw: Front): FrontRule {
  /** Thaw's own API is signed as the service that its clients know. */
  const services = [LAMBDA.scope];
  return ({ method, path }) => {
    const isPublic = PUBLIC_ROUTES.has(`${method} ${path}`);
    return path.startsWith(PREFIX) ? { services, isPublic, of: () => thaw, refuse: refusalOf } : null;
  };
}

/** S3 is told by the scope, as the others are, by a link that names a key of S3 alone, and by its host. */
function s3Rule(front: RefusingFront): FrontRule {
  const of = (): Front => front;
  return (head) =>
    readForeign(head)?.service === S3 || isS3Host(head.hostName) || head.query.has("AWSAccessKeyId")
      ? {
          services: [S3],
          isPublic: false,
          of,
          refuse: (problem, requestId) => front.refuse(problem, requestId, head),
        }
      : null;
}

/**
 * Finds another service than Lambda by the scope that a request names. One that Thaw does not have says so to
 * everybody.
 */
function serviceRule(
  fronts: ReadonlyArray<{ readonly service: AwsService; readonly front: RefusingFront }>,
): FrontRule {
  return (head) => {
    const found = otherService(head);
    if (found === null) return null;
    const { front } = fronts.find(({ service }) => service.scope === found.service && service.owns(head.path)) ?? {};
    return front === undefined || found.service === null
      ? { services: [], isPublic: true, of: () => createOtherFront(found), refuse: refusalOf }
      : {
          services: [found.service],
          isPublic: false,
          of: () => front,
          refuse: (problem, requestId) => front.refuse(problem, requestId, head),
        };
  };
}

function awsChoice(byService: Readonly<Record<string, Front>>): FrontChoice {
  return {
    services: Object.keys(byService),
    isPublic: false,
    of(service) {
      const front = byService[service];
      if (front === undefined) throw new Error(`no front of ${service}, whose signature was accepted`);
      return front;
    },
    refuse: refusalOf,
  };
}

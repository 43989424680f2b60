/**
 * The APIs on the listener: chosen by the head of a request for Thaw's own, by the service in the signature's scope for
 * AWS's.
 */
import { LAMBDA, readForeign } from "@thaw/aws-api";
import { isS3Host } from "@thaw/aws-api/s3";
import { PREFIX } from "@thaw/thaw-api";
import type { Front } from "./fronts/front.ts";
import { createOtherFront, otherService } from "./fronts/other-services.ts";
import { createLambdaFront } from "./fronts/lambda-front.ts";
import { createServiceFront, type ServiceFront } from "./fronts/service-front.ts";
import { createS3Front, type S3Front } from "./fronts/s3/front.ts";
import { createThawFront, isPublic, type OnProblem } from "./fronts/thaw/front.ts";
import { type HostLabel, hostTargetOf } from "./fronts/host-target.ts";
import { API_LABEL, createHttpApiFront } from "./fronts/http-apis/front.ts";
import type { CallServices } from "./fronts/http-call.ts";
import { createUrlFront } from "./fronts/urls/front.ts";
import type { ThawApiServices } from "./fronts/thaw/handlers.ts";
import { type Refusal, refusalOf, type Reply } from "./reply.ts";
import type { WireHead } from "./wire-head.ts";

/** Its name in scopes. */
const S3 = "s3";

export interface FrontChoice {
  /** Services whose signatures are accepted for this request. */
  readonly services: readonly string[];
  /** True where no signature is asked for. */
  readonly isPublic: boolean;
  /** The front of a signature's service, or of a public request. */
  of(service: string): Front;
  /** Forms a refusal of the listener, such as that of a signature. */
  refuse(problem: Refusal, requestId: string): Reply;
}

/** The parts of a head that a front is chosen by, before its signature is read. */
export type FrontHead = Pick<WireHead, "method" | "path" | "hostName" | "query" | "headers">;

export type ChooseFront = (head: FrontHead) => FrontChoice;

/** Takes the requests of one API by their heads; null leaves a request to the rules that follow. */
export type FrontRule = (head: FrontHead) => FrontChoice | null;

/**
 * Creates all fronts and the choice between them. A rule that goes by the host stands before those that go by the path:
 * all paths of such a host are its own.
 */
export function createFronts(
  services: ThawApiServices & Omit<CallServices, "onProblem">,
  onProblem: OnProblem,
): ChooseFront {
  const { scopes } = services;
  const thaw = createThawFront(services, onProblem);
  const byService = { [LAMBDA.scope]: createLambdaFront({ scopes, onProblem }) };
  const urls = createUrlFront({ ...services, onProblem });
  const apis = createHttpApiFront({ ...services, onProblem });
  const others = scopes.home.awsServices.map(
    (service) => [service.model.scope, createServiceFront(service, scopes, onProblem)] as const,
  );
  return chooseByRules(
    [
      hostRule("lambda-url", LAMBDA.scope, urls),
      hostRule(API_LABEL, API_LABEL, apis),
      thawRule(thaw),
      s3Rule(createS3Front(scopes, onProblem)),
      serviceRule(new Map(others)),
    ],
    awsChoice(byService),
  );
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

function thawRule(thaw: Front): FrontRule {
  /** Thaw's own API is signed as the service that its clients know. */
  const services = [LAMBDA.scope];
  return ({ method, path }) =>
    path.startsWith(PREFIX) ? { services, isPublic: isPublic(method, path), of: () => thaw, refuse: refusalOf } : null;
}

/** S3 is told by the scope, as the others are, by a link that names a key of S3 alone, and by its host. */
function s3Rule(front: S3Front): FrontRule {
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
function serviceRule(fronts: ReadonlyMap<string, ServiceFront>): FrontRule {
  return (head) => {
    const found = otherService(head);
    if (found === null) return null;
    const front = fronts.get(found.service ?? "");
    return front === undefined || found.service === null
      ? { services: [], isPublic: true, of: () => createOtherFront(found), refuse: refusalOf }
      : { services: [found.service], isPublic: false, of: () => front, refuse: (...given) => front.refuse(...given) };
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

/** HTTP APIs and REST APIs have host names of one form: the id tells which of them a request is for. */
import type { Reply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import { EXECUTE_API } from "./api-call.ts";
import type { Admission, Front } from "./front.ts";
import { type HostLabel, hostTargetOf } from "./host-target.ts";
import type { CallServices } from "./http-call.ts";
import { HttpApiFront } from "./http-apis/front.ts";
import { RestApiFront } from "./rest-apis/front.ts";

export const API_LABEL: HostLabel = EXECUTE_API;

export function createApisFront(services: CallServices): Front {
  const httpApis = new HttpApiFront(services);
  const restApis = new RestApiFront(services);
  return {
    async admit(head: WireHead, requestId: string): Promise<Admission | Reply> {
      const target = hostTargetOf(head, API_LABEL);
      if (target === null) return notFound();
      const isHere = (apis: { readonly region: string }): boolean =>
        target.region === null || target.region === apis.region;
      const httpCalls = services.scopes.hosting("httpApi", target.id)?.control.httpApis;
      const http = httpCalls !== undefined && isHere(httpCalls) ? await httpCalls.find(target.id) : null;
      if (httpCalls !== undefined && http !== null)
        return httpApis.admit(head, target, { api: http, apis: httpCalls }, requestId);
      const restCalls = services.scopes.hosting("restApi", target.id)?.control.restApis;
      const rest = restCalls !== undefined && isHere(restCalls) ? await restCalls.find(target.id) : null;
      if (restCalls !== undefined && rest !== null)
        return restApis.admit(head, target, { api: rest, apis: restCalls }, requestId);
      return notFound();
    },
  };
}

function notFound(): Reply {
  return { status: 404, headers: { "Content-Type": "application/json" }, body: Buffer.from(`{"message":"Not Found"}`) };
}

/**
 * Which method of a REST API a request takes: first its resource by the path, then the method of that resource.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
 */
import { Router } from "../http-api/routes.ts";
import type { RestMethodRecord, RestResourceRecord } from "./record.ts";

const PATH_PART = /^(?:[A-Za-z0-9._:-]+|\{[A-Za-z0-9._-]+\+?\})$/;
const ANY = "ANY";
export const METHODS: ReadonlySet<string> = new Set([ANY, "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);

export function isPathPart(text: string): boolean {
  return PATH_PART.test(text);
}

export function isGreedy(pathPart: string): boolean {
  return pathPart.endsWith("+}");
}

export interface RestMatch {
  readonly resource: RestResourceRecord;
  readonly method: RestMethodRecord;
  /** Decoded values of the labels. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The resources of an API that have methods. */
export class RestRouter {
  readonly #router: Router<{ readonly key: string; readonly resource: RestResourceRecord }>;

  constructor(resources: readonly RestResourceRecord[]) {
    const used = resources.filter(({ methods }) => Object.keys(methods).length > 0);
    this.#router = new Router(used.map((resource) => ({ key: `${ANY} ${resource.path}`, resource })));
  }

  /** Null where there is no such method. The path is as sent; a slash at its end means nothing. */
  find(method: string, path: string): RestMatch | null {
    const found = this.#router.find(method, path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);
    if (found === null) return null;
    const { resource } = found.route;
    const own = Object.hasOwn(resource.methods, method) ? resource.methods[method] : resource.methods[ANY];
    return own === undefined ? null : { resource, method: own, parameters: found.parameters };
  }
}

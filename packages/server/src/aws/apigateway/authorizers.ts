/** Authorizers: functions that say who may call a method. */
import type { Authorizer, OperationTypes } from "@thaw/aws-api/apigateway";
import { isIdentitySource } from "../../model/authorizers/identity.ts";
import { integrationFunction } from "../../model/http-api/integration-uri.ts";
import type { RestApiRecord, RestAuthorizerRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict, notFound } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentAuthorizer } from "./present.ts";
import type { StoredRestApis } from "./stored-rest-apis.ts";

type Given = Omit<Authorizer, "id">;

/** AWS's quota of an API. */
const AUTHORIZERS_MAX = 10;
const TTL_S_DEFAULT = 300;
const TTL_S_MAX = 3600;
const SOURCES_MAX = 10;
const PATCHABLES: Patchables = {
  "/name": "text",
  "/type": "text",
  "/authType": "text",
  "/authorizerUri": "text",
  "/identitySource": "text",
  "/authorizerResultTtlInSeconds": "number",
};

export function authorizerOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateAuthorizer(input) {
      checkHonoured("CreateAuthorizer", input);
      const made = await apis.change(input.restApiId, (api) => {
        const authorizer = newAuthorizer(apis.newId(), input);
        return { api: withAuthorizer(api, authorizer), result: authorizer };
      });
      return presentAuthorizer(made);
    },
    async GetAuthorizer({ restApiId, authorizerId }) {
      return presentAuthorizer(findAuthorizer(await apis.find(restApiId), authorizerId));
    },
    async GetAuthorizers(input) {
      return pageOf((await apis.find(input.restApiId)).authorizers, ({ id }) => id, presentAuthorizer, input);
    },
    async UpdateAuthorizer({ restApiId, authorizerId, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findAuthorizer(api, authorizerId);
        const form = patched(presentAuthorizer(before), patchOperations, PATCHABLES);
        const authorizer = newAuthorizer(before.id, form);
        const others = api.authorizers.filter((each) => each !== before);
        return { api: withAuthorizer({ ...api, authorizers: others }, authorizer), result: authorizer };
      });
      return presentAuthorizer(updated);
    },
    async DeleteAuthorizer({ restApiId, authorizerId }) {
      await apis.change(restApiId, (api) => {
        const gone = findAuthorizer(api, authorizerId);
        const methods = api.resources.flatMap((each) => Object.values(each.methods));
        if (methods.some((method) => method.authorizerId === gone.id))
          throw conflict("Cannot delete authorizer, is referenced in method");
        return { api: { ...api, authorizers: api.authorizers.filter((each) => each !== gone) }, result: undefined };
      });
      return {};
    },
  };
}

/** Throws a BadRequestException where there can't be such an authorizer. */
export function newAuthorizer(id: string, given: Given): RestAuthorizerRecord {
  const { name = "", type, authorizerUri: uri = "", authorizerResultTtlInSeconds: ttlS = TTL_S_DEFAULT } = given;
  if (type !== "TOKEN" && type !== "REQUEST")
    throw badRequest(`Authorizers of type ${type ?? ""} are not supported by Thaw: TOKEN and REQUEST are`);
  if (name === "" || name.length > 128) throw badRequest("An authorizer's name has 1 to 128 characters");
  if (integrationFunction(uri) === null)
    throw badRequest(
      "authorizerUri must be arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations",
    );
  if (ttlS < 0 || ttlS > TTL_S_MAX) throw badRequest(`Authorizer result TTL must be from 0 to ${TTL_S_MAX} seconds`);
  const identitySources = (given.identitySource ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  const wrong = identitySources.find((each) => !isIdentitySource(each, false));
  if (wrong !== undefined || identitySources.length > SOURCES_MAX)
    throw badRequest(`Invalid identity source: ${(wrong ?? "more than ten parts").slice(0, 100)}`);
  const isOneHeader = identitySources.length === 1 && identitySources[0]?.startsWith("method.request.header.") === true;
  if (type === "TOKEN" && !isOneHeader)
    throw badRequest("Identity source of a TOKEN authorizer must be one header: method.request.header.NAME");
  if (type === "REQUEST" && ttlS > 0 && identitySources.length === 0)
    throw badRequest("Identity source is required where results are kept: give it, or a TTL of 0");
  return { id, name, type, uri, identitySources, ttlS, authType: given.authType ?? null };
}

/** Throws a ConflictException where there is one of this name. */
export function withAuthorizer(api: RestApiRecord, authorizer: RestAuthorizerRecord): RestApiRecord {
  if (api.authorizers.some(({ name }) => name === authorizer.name)) throw conflict("Authorizer name must be unique");
  if (api.authorizers.length >= AUTHORIZERS_MAX) throw badRequest(`An API has at most ${AUTHORIZERS_MAX} authorizers`);
  return { ...api, authorizers: [...api.authorizers, authorizer] };
}

function findAuthorizer({ authorizers }: RestApiRecord, id: string): RestAuthorizerRecord {
  const found = authorizers.find((each) => each.id === id);
  if (found === undefined) throw notFound("Invalid Authorizer identifier specified");
  return found;
}

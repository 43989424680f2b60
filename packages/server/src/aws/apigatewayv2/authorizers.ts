/** Authorizers of an HTTP API: issuers of tokens, and functions, that say who may call a route. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import { isIdentitySource } from "../../model/authorizers/identity.ts";
import { integrationFunction } from "../../model/http-api/integration-uri.ts";
import type {
  HttpApiRecord,
  HttpAuthorizerRecord,
  JwtAuthorizerRecord,
  LambdaAuthorizerRecord,
} from "../../model/http-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict } from "../gateways/refusals.ts";
import { findAuthorizer, findStage } from "./find-parts.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { presentAuthorizer } from "./present.ts";
import { PART_ID_LENGTH, type StoredApis } from "./stored-apis.ts";

export type GivenAuthorizer = Partial<OperationTypes["CreateAuthorizer"]["input"]>;

/** AWS's quotas of an API, and of an authorizer. */
const AUTHORIZERS_MAX = 10;
const AUDIENCES_MAX = 50;
/** AWS's limit of a REST API's identity; there is none of HTTP APIs'. */
const SOURCES_MAX = 10;
const TTL_S_DEFAULT = 300;
const TTL_S_MAX = 3600;
const TOKEN_SOURCE = /^\$request\.(?:header|querystring)\./;

export function authorizerOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  return {
    async CreateAuthorizer(input) {
      checkHonoured("CreateAuthorizer", input);
      const made = await apis.change(input.ApiId, (api) => {
        const authorizer = newAuthorizer(apis, apis.newId(PART_ID_LENGTH), input);
        return { api: withAuthorizer(api, authorizer), result: authorizer };
      });
      return presentAuthorizer(made);
    },
    async UpdateAuthorizer(input) {
      checkHonoured("UpdateAuthorizer", input);
      const updated = await apis.change(input.ApiId, (api) => {
        const before = findAuthorizer(api, input.AuthorizerId);
        const { AuthorizerId: _id, ...form } = presentAuthorizer(before);
        const given = input.AuthorizerType === undefined || input.AuthorizerType === before.type ? form : {};
        const authorizer = newAuthorizer(apis, before.id, { Name: before.name, ...given, ...definedOf(input) });
        if (authorizer.type !== before.type && isUsed(api, before.id))
          throw conflict("The type of an authorizer that routes ask can't be changed");
        const others = { ...api, authorizers: api.authorizers.filter((each) => each !== before) };
        return { api: apis.deployed(withAuthorizer(others, authorizer)), result: authorizer };
      });
      return presentAuthorizer(updated);
    },
    async GetAuthorizer({ ApiId, AuthorizerId }) {
      return presentAuthorizer(findAuthorizer(await apis.find(ApiId), AuthorizerId));
    },
    async GetAuthorizers(input) {
      const { authorizers } = await apis.find(input.ApiId);
      return pageOf(authorizers, ({ id }) => id, presentAuthorizer, input);
    },
    async DeleteAuthorizer({ ApiId, AuthorizerId }) {
      await apis.change(ApiId, (api) => {
        const gone = findAuthorizer(api, AuthorizerId);
        if (isUsed(api, gone.id)) throw conflict("Cannot delete authorizer, is referenced in route");
        const authorizers = api.authorizers.filter((each) => each !== gone);
        return { api: { ...api, authorizers }, result: undefined };
      });
      return {};
    },
    async ResetAuthorizersCache({ ApiId, StageName }) {
      await apis.change(ApiId, (api) => {
        const before = findStage(api, StageName);
        const stage = { ...before, authorizerResets: before.authorizerResets + 1 };
        const stages = api.stages.map((each) => (each === before ? stage : each));
        return { api: { ...api, stages }, result: undefined };
      });
      return {};
    },
  };
}

/** Throws a BadRequestException where there can't be such an authorizer. */
export function newAuthorizer({ parts }: StoredApis, id: string, given: GivenAuthorizer): HttpAuthorizerRecord {
  const { Name: name = "", AuthorizerType: type } = given;
  if (name === "" || name.length > 128) throw badRequest("An authorizer's name has 1 to 128 characters");
  const own = { id, name, identitySources: sourcesOf(given) };
  return type === "JWT" ? newJwtAuthorizer(parts.issuers, own, given) : newLambdaAuthorizer(own, given);
}

function sourcesOf({ IdentitySource: sources = [] }: GivenAuthorizer): readonly string[] {
  const wrong = sources.find((each) => !isIdentitySource(each, true));
  if (wrong !== undefined) throw badRequest(`Invalid identity source: ${wrong.slice(0, 100)}`);
  if (sources.length > SOURCES_MAX) throw badRequest(`An authorizer has at most ${SOURCES_MAX} identity sources`);
  return sources;
}

type Named = Pick<HttpAuthorizerRecord, "id" | "name" | "identitySources">;

function newJwtAuthorizer(
  issuers: StoredApis["parts"]["issuers"],
  own: Named,
  given: GivenAuthorizer,
): JwtAuthorizerRecord {
  for (const name of ["AuthorizerUri", "AuthorizerPayloadFormatVersion", "EnableSimpleResponses"] as const)
    if (given[name] !== undefined && given[name] !== false)
      throw badRequest(`${name} is for authorizers of type REQUEST`);
  if ((given.AuthorizerResultTtlInSeconds ?? 0) > 0)
    throw badRequest("AuthorizerResultTtlInSeconds is for authorizers of type REQUEST: tokens are checked each time");
  if (own.identitySources.length !== 1 || !TOKEN_SOURCE.test(own.identitySources[0] ?? ""))
    throw badRequest("A JWT authorizer has one identity source: $request.header.NAME or $request.querystring.NAME");
  const { Issuer: issuer = "", Audience: audience = [] } = given.JwtConfiguration ?? {};
  const problem = issuers.problemOf(issuer);
  if (problem !== null) throw badRequest(problem);
  if (audience.length === 0 || audience.length > AUDIENCES_MAX)
    throw badRequest(`A JWT authorizer has 1 to ${AUDIENCES_MAX} audiences`);
  return { ...own, type: "JWT", issuer, audience };
}

function newLambdaAuthorizer(own: Named, given: GivenAuthorizer): LambdaAuthorizerRecord {
  if (given.JwtConfiguration !== undefined && Object.keys(given.JwtConfiguration).length > 0)
    throw badRequest("JwtConfiguration is for authorizers of type JWT");
  const { AuthorizerUri: uri = "", AuthorizerPayloadFormatVersion: version, EnableSimpleResponses = false } = given;
  if (integrationFunction(uri) === null)
    throw badRequest(
      "AuthorizerUri must be arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations",
    );
  if (version !== "1.0" && version !== "2.0")
    throw badRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer: 1.0 or 2.0");
  if (EnableSimpleResponses && version === "1.0")
    throw badRequest("EnableSimpleResponses is only supported for payload format version 2.0");
  const isKept = own.identitySources.length > 0;
  const { AuthorizerResultTtlInSeconds: ttlS = isKept ? TTL_S_DEFAULT : 0 } = given;
  if (ttlS < 0 || ttlS > TTL_S_MAX) throw badRequest(`Authorizer result TTL must be from 0 to ${TTL_S_MAX} seconds`);
  if (ttlS > 0 && !isKept)
    throw badRequest("Identity source is required where results are kept: give it, or a TTL of 0");
  return { ...own, type: "REQUEST", uri, payloadFormatVersion: version, isSimple: EnableSimpleResponses, ttlS };
}

/** Throws a ConflictException where there is one of this name. */
export function withAuthorizer(api: HttpApiRecord, authorizer: HttpAuthorizerRecord): HttpApiRecord {
  if (api.authorizers.some(({ name }) => name === authorizer.name)) throw conflict("Authorizer name must be unique");
  if (api.authorizers.length >= AUTHORIZERS_MAX) throw badRequest(`An API has at most ${AUTHORIZERS_MAX} authorizers`);
  return { ...api, authorizers: [...api.authorizers, authorizer] };
}

function isUsed({ routes }: HttpApiRecord, authorizerId: string): boolean {
  return routes.some((route) => route.authorizerId === authorizerId);
}

function definedOf(input: GivenAuthorizer): GivenAuthorizer {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

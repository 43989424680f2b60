/** REST APIs themselves: what they have besides their parts. */
import type { OperationTypes, RestApi } from "@thaw/aws-api/apigateway";
import { isMediaType } from "../../model/rest-api/media-types.ts";
import type { RestApiRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest } from "../gateways/refusals.ts";
import { checkTags } from "../gateways/tags.ts";
import { checkHonoured } from "./honoured.ts";
import { defaultModels } from "./models.ts";
import { answerOf, readWish } from "./pages.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentApi } from "./present.ts";
import { API_ID_LENGTH, type StoredRestApis } from "./stored-rest-apis.ts";

type Given = Pick<
  RestApi,
  "name" | "description" | "version" | "binaryMediaTypes" | "endpointConfiguration" | "disableExecuteApiEndpoint"
>;

const NAME_LENGTH_MAX = 1024;
const BINARY_TYPES_MAX = 50;
const PATCHABLES: Patchables = {
  "/name": "text",
  "/description": "text",
  "/version": "text",
  "/disableExecuteApiEndpoint": "flag",
  "/binaryMediaTypes/*": "item",
  "/endpointConfiguration/types/*": "item",
};

export function restApiOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateRestApi(input, { caller }) {
      checkHonoured("CreateRestApi", input);
      const api = withSettings({ ...newApi(apis), models: defaultModels(apis) }, input);
      const made = { ...api, tags: checkTags({}, input.tags ?? {}, caller) };
      await apis.add(made);
      return presentApi(made);
    },
    async GetRestApi({ restApiId }) {
      return presentApi(await apis.find(restApiId));
    },
    async GetRestApis(input) {
      return answerOf(await apis.page(presentApi, readWish(input)));
    },
    async UpdateRestApi({ restApiId, patchOperations }) {
      const updated = await apis.change(restApiId, (before) => {
        const form: Given = patched(presentApi(before) as Given, patchOperations, PATCHABLES);
        const api = withSettings({ ...before, description: null, version: null, binaryMediaTypes: [] }, form);
        return { api, result: api };
      });
      return presentApi(updated);
    },
    async DeleteRestApi({ restApiId }) {
      await apis.remove(restApiId);
      return {};
    },
  };
}

export function newApi(apis: StoredRestApis): RestApiRecord {
  return {
    id: apis.newId(API_ID_LENGTH),
    name: "",
    description: null,
    version: null,
    binaryMediaTypes: [],
    endpointType: "EDGE",
    isEndpointDisabled: false,
    tags: {},
    createdAtMs: apis.nowMs,
    resources: [{ id: apis.newId(API_ID_LENGTH), parentId: null, pathPart: "", path: "/", methods: {} }],
    models: [],
    validators: [],
    gatewayResponses: [],
    authorizers: [],
    stages: [],
    deployments: [],
  };
}

/** Throws a BadRequestException where the API can't be so. */
export function withSettings(before: RestApiRecord, given: Given): RestApiRecord {
  const { name = before.name, binaryMediaTypes = before.binaryMediaTypes } = given;
  if (name === "" || name.length > NAME_LENGTH_MAX) throw badRequest("API name must have 1 to 1024 characters");
  if (binaryMediaTypes.length > BINARY_TYPES_MAX || !binaryMediaTypes.every(isMediaType))
    throw badRequest(`binaryMediaTypes must be at most ${BINARY_TYPES_MAX} types, such as image/png or */*`);
  return {
    ...before,
    name,
    description: given.description ?? before.description,
    version: given.version ?? before.version,
    binaryMediaTypes: [...new Set(binaryMediaTypes)],
    endpointType: endpointTypeOf(given.endpointConfiguration) ?? before.endpointType,
    isEndpointDisabled: given.disableExecuteApiEndpoint ?? before.isEndpointDisabled,
  };
}

/** Null where nothing is said. */
function endpointTypeOf(given: Given["endpointConfiguration"]): RestApiRecord["endpointType"] | null {
  const { types = [], vpcEndpointIds = [], ipAddressType = "ipv4" } = given ?? {};
  if (vpcEndpointIds.length > 0) throw badRequest("vpcEndpointIds is not supported by Thaw: there is no VPC here");
  if (ipAddressType !== "ipv4") throw badRequest("ipAddressType is not supported by Thaw: leave it out");
  const [type, ...others] = types;
  if (others.length > 0) throw badRequest("Only one endpoint type can be given");
  if (type !== undefined && type !== "EDGE" && type !== "REGIONAL")
    throw badRequest(`The endpoint type ${type} is not supported by Thaw: EDGE and REGIONAL are`);
  return type ?? null;
}

/** Request validators: what is asked of the requests of methods that name one. */
import type { OperationTypes, RequestValidator } from "@thaw/aws-api/apigateway";
import type { RestApiRecord, RestValidatorRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict, notFound } from "../gateways/refusals.ts";
import { pageOf } from "./pages.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentValidator } from "./present.ts";
import { methodsOf, type StoredRestApis } from "./stored-rest-apis.ts";

/** Far above what four kinds of validators need. */
const VALIDATORS_MAX = 100;
const NAME_LENGTH_MAX = 128;
const PATCHABLES: Patchables = {
  "/name": "text",
  "/validateRequestBody": "flag",
  "/validateRequestParameters": "flag",
};

type Given = Pick<RequestValidator, "name" | "validateRequestBody" | "validateRequestParameters">;

export function requestValidatorOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async CreateRequestValidator(input) {
      const made = await apis.change(input.restApiId, (api) => {
        const validator = newValidator(apis.newId(), input);
        return { api: withValidator(api, validator), result: validator };
      });
      return presentValidator(made);
    },
    async GetRequestValidator({ restApiId, requestValidatorId }) {
      return presentValidator(findValidator(await apis.find(restApiId), requestValidatorId));
    },
    async GetRequestValidators(input) {
      return pageOf((await apis.find(input.restApiId)).validators ?? [], ({ id }) => id, presentValidator, input);
    },
    async UpdateRequestValidator({ restApiId, requestValidatorId, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findValidator(api, requestValidatorId);
        const validator = newValidator(before.id, patched(presentValidator(before), patchOperations, PATCHABLES));
        const validators = (api.validators ?? []).map((each) => (each === before ? validator : each));
        return { api: { ...api, validators }, result: validator };
      });
      return presentValidator(updated);
    },
    async DeleteRequestValidator({ restApiId, requestValidatorId }) {
      await apis.change(restApiId, (api) => {
        const gone = findValidator(api, requestValidatorId);
        const user = methodsOf(api).find(({ method }) => method.requestValidatorId === gone.id);
        if (user !== undefined)
          throw conflict(`Cannot delete request validator '${gone.id}', is referenced in method: ${user.place}`);
        const validators = (api.validators ?? []).filter((each) => each !== gone);
        return { api: { ...api, validators }, result: undefined };
      });
      return {};
    },
  };
}

export function newValidator(id: string, given: Given): RestValidatorRecord {
  const { name = null, validateRequestBody = false, validateRequestParameters = false } = given;
  if (name !== null && name.length > NAME_LENGTH_MAX)
    throw badRequest(`A request validator's name has at most ${NAME_LENGTH_MAX} characters`);
  return { id, name, isBodyChecked: validateRequestBody, areParametersChecked: validateRequestParameters };
}

export function withValidator(api: RestApiRecord, validator: RestValidatorRecord): RestApiRecord {
  const { validators = [] } = api;
  if (validators.length >= VALIDATORS_MAX) throw badRequest(`An API has at most ${VALIDATORS_MAX} request validators`);
  return { ...api, validators: [...validators, validator] };
}

function findValidator({ validators = [] }: RestApiRecord, wanted: string): RestValidatorRecord {
  const found = validators.find(({ id }) => id === wanted);
  if (found === undefined) throw notFound("Invalid Request Validator identifier specified");
  return found;
}

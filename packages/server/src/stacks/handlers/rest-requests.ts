/** AWS::ApiGateway::RequestValidator. */
import { allOf } from "./api-values.ts";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import { call, GONE, type Output } from "./rest-calls.ts";
import { textOf, unless } from "./values.ts";

const FLAGS = { validateRequestBody: "ValidateRequestBody", validateRequestParameters: "ValidateRequestParameters" };

/** Names need not be unique: a made one is, so that a validator from before a crash is found again. */
export const REQUEST_VALIDATOR: Handler = {
  type: describeType("AWS::ApiGateway::RequestValidator"),
  async create(properties, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    const name = textOf(properties, "Name") ?? context.makeName(128);
    const flags = Object.fromEntries(
      Object.entries(FLAGS).map(([member, property]) => [member, textOf(properties, property) === "true"]),
    );
    const found = context.isRetry ? await findValidator({ restApiId, name, ...flags }, context) : null;
    const made = found ?? (await call(context, "CreateRequestValidator", { restApiId, name, ...flags }));
    return madeValidator(String(made["id"]));
  },
  async update({ physicalId }, properties, context) {
    const patchOperations = Object.entries(FLAGS).map(([member, property]) => ({
      op: "replace",
      path: `/${member}`,
      value: textOf(properties, property) ?? "false",
    }));
    const restApiId = textOf(properties, "RestApiId") ?? "";
    await call(context, "UpdateRequestValidator", { restApiId, requestValidatorId: physicalId, patchOperations });
    return madeValidator(physicalId);
  },
  async remove({ physicalId, properties }, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    await unless(GONE, call(context, "DeleteRequestValidator", { restApiId, requestValidatorId: physicalId }));
  },
};

function madeValidator(physicalId: string): Made {
  return { physicalId, attributes: { RequestValidatorId: physicalId } };
}

/** Null: none was made for this resource. */
async function findValidator({ restApiId, ...wanted }: Output, context: HandlerContext): Promise<Output | null> {
  const all = await allOf(async (position) => {
    const input = { restApiId, limit: 500, ...(position === undefined ? {} : { position }) };
    const page = await call(context, "GetRequestValidators", input);
    return { items: page["items"], next: page["position"] };
  });
  const found = all.find((each) => Object.entries(wanted).every(([name, value]) => each[name] === value));
  return found ?? null;
}

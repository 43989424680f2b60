/**
 * Custom resources: a function of the user's makes, changes and removes them, and answers at an address of the service
 * door. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 *
 * The function is invoked synchronously, so that one that fails without an answer is told at once; CloudFormation waits
 * for the service timeout then. A function that returns may still have its answer sent by another program.
 */
import { createHash } from "node:crypto";
import type { ResourceType } from "@thaw/stacks/resource-type";
import { isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { Clock } from "../../base/clock.ts";
import { CallError } from "../../ports/service-calls.ts";
import { ANSWER_BYTES_MAX, type OpenAddress, type ServiceDoor } from "../../ports/service-door.ts";
import { type Existing, type Handler, type HandlerContext, HandlerError, type Made } from "./handler.ts";
import {
  accessOf,
  adviceOn,
  adviceOnSilence,
  type CallsServices,
  refuseCutOff,
  type ServiceAccess,
} from "./service-access.ts";

export interface CustomResourceParts {
  /** Null: functions of this host can't reach the server. */
  readonly door: ServiceDoor | null;
  readonly clock: Clock;
  /** Says whether a function reaches the services of this server. */
  readonly callsServices: CallsServices;
}

type RequestType = "Create" | "Update" | "Delete";

interface Request {
  readonly type: RequestType;
  readonly properties: TemplateMap;
  /** Null at a creation. */
  readonly existing: Existing | null;
}

interface Answer {
  readonly status: string;
  readonly reason: string | null;
  readonly physicalId: string | null;
  readonly data: TemplateMap;
}

const TYPE: ResourceType = {
  name: "AWS::CloudFormation::CustomResource",
  kind: "real",
  properties: { "*": "update" },
  required: ["ServiceToken"],
  attributes: null,
  nameProperty: null,
  isTaggable: false,
  canSnapshot: false,
};
const TIMEOUT_S_DEFAULT = 3600;
const PHYSICAL_ID_MAX = 1024;
const MADE_UP_ID_MAX = 128;
/** Of a function's own error in a reason. */
const ERROR_CHARACTERS_MAX = 500;

/** The handler of one type: `AWS::CloudFormation::CustomResource`, or a name that the template gives, `Custom::…`. */
export function customResourceHandler(type: string, parts: CustomResourceParts): Handler {
  return {
    type: { ...TYPE, name: type },
    create: (properties, context) => ask(parts, type, { type: "Create", properties, existing: null }, context),
    async update(existing, properties, context) {
      if (existing.properties["ServiceToken"] !== properties["ServiceToken"])
        throw new HandlerError("Modifying service token is not allowed.");
      return ask(parts, type, { type: "Update", properties, existing }, context);
    },
    async remove(existing, context) {
      const { properties } = existing;
      await ask(parts, type, { type: "Delete", properties, existing }, context);
    },
  };
}

/** Asks the function, and waits for its answer. */
async function ask(
  { door, clock, callsServices }: CustomResourceParts,
  type: string,
  request: Request,
  context: HandlerContext,
): Promise<Made> {
  const serviceToken = request.properties["ServiceToken"];
  if (typeof serviceToken !== "string" || !serviceToken.includes(":lambda:"))
    throw new HandlerError(
      `ServiceToken ${JSON.stringify(serviceToken ?? null)} is not the ARN of a Lambda function: Thaw has no SNS topics`,
    );
  const timeoutS = timeoutOf(request.properties["ServiceTimeout"]);
  const address = door?.open(`${context.stackId} ${context.logicalId} ${context.token}`) ?? null;
  if (address === null)
    throw new HandlerError(
      "functions of this host have no network, so that a custom resource can't answer: 'thaw doctor' says why",
    );
  const requestId = requestIdOf(context);
  const fallbackId = request.existing?.physicalId ?? context.makeName(MADE_UP_ID_MAX);
  try {
    const access = await accessOf(serviceToken, context, callsServices);
    refuseCutOff(access);
    const event = eventOf(type, request, { address, requestId, context, serviceToken });
    const body = await firstOf([address.answer, failureOf(serviceToken, event, { fallbackId, access }, context)], {
      clock,
      timeoutS,
      signal: context.signal,
      fallbackId,
    });
    if (body === null) throw new HandlerError(noAnswer(requestId, access, timeoutS), fallbackId);
    return madeOf(readAnswer(body, requestId, fallbackId), request, { requestId, fallbackId, access });
  } finally {
    address.close();
  }
}

function eventOf(
  type: string,
  { type: requestType, properties, existing }: Request,
  {
    address,
    requestId,
    context,
    serviceToken,
  }: {
    readonly address: OpenAddress;
    readonly requestId: string;
    readonly context: HandlerContext;
    readonly serviceToken: string;
  },
): TemplateMap {
  return {
    RequestType: requestType,
    ServiceToken: serviceToken,
    ResponseURL: address.url,
    StackId: context.stackId,
    RequestId: requestId,
    LogicalResourceId: context.logicalId,
    ...(existing === null ? {} : { PhysicalResourceId: existing.physicalId }),
    ResourceType: type,
    ResourceProperties: asTexts(properties),
    ...(requestType === "Update" && existing !== null ? { OldResourceProperties: asTexts(existing.properties) } : {}),
  };
}

/** CloudFormation sends every scalar as a text. */
function asTexts(value: TemplateValue): TemplateValue {
  if (isTemplateList(value)) return value.map(asTexts);
  if (isTemplateMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asTexts(each)] as const));
  return isScalar(value) ? String(value) : "";
}

/**
 * Invokes the function. Resolves never where it returned, for its answer may come later; rejects where it failed. One
 * that failed may have made something all the same: its Delete is asked for in the rollback.
 */
async function failureOf(
  serviceToken: string,
  event: TemplateMap,
  { fallbackId, access }: { readonly fallbackId: string; readonly access: ServiceAccess },
  { services }: HandlerContext,
): Promise<never> {
  const input = { FunctionName: serviceToken, Payload: Buffer.from(JSON.stringify(event)) };
  const output = await services.call("lambda", "Invoke", input).catch((error: unknown) => {
    if (!(error instanceof CallError)) throw error;
    throw new HandlerError(`The function ${serviceToken} could not be invoked: ${error.message}`);
  });
  if (output["FunctionError"] === undefined) return new Promise<never>(() => {});
  const reason = errorOf(output["Payload"]);
  throw new HandlerError(
    `The function ${serviceToken} failed before it answered: ${reason}. Its log has the details.${adviceOn(reason, access)}`,
    fallbackId,
  );
}

function errorOf(payload: unknown): string {
  try {
    const { errorType, errorMessage } = JSON.parse(String(payload)) as Record<string, unknown>;
    return [errorType, errorMessage]
      .filter((each) => typeof each === "string")
      .join(": ")
      .slice(0, ERROR_CHARACTERS_MAX);
  } catch {
    return "its error can't be read";
  }
}

interface Limits {
  readonly clock: Clock;
  readonly timeoutS: number;
  readonly signal: AbortSignal;
  /** Of what the function may have made. */
  readonly fallbackId: string;
}

/** The first that settles; null when the time is over. Rejects when the run is cancelled or the server stops. */
function firstOf<T>(
  wanted: ReadonlyArray<Promise<T>>,
  { clock, timeoutS, signal, fallbackId }: Limits,
): Promise<T | null> {
  const { promise, resolve, reject } = Promise.withResolvers<T | null>();
  const cancel = clock.after(timeoutS * 1000, () => resolve(null));
  const stop = (): void => reject(new HandlerError((signal.reason as Error).message, fallbackId));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  for (const each of wanted) each.then(resolve, reject);
  return promise.finally(() => {
    cancel();
    signal.removeEventListener("abort", stop);
  });
}

/** Throws a HandlerError where it is not as CloudFormation takes it. */
function readAnswer(body: Buffer, requestId: string, fallbackId: string): Answer {
  if (body.length > ANSWER_BYTES_MAX) throw new HandlerError("Response object is too long.", fallbackId);
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString());
  } catch {
    answer = null;
  }
  if (!isTemplateMap(answer))
    throw new HandlerError(
      `Invalid response from the custom resource: no JSON object (RequestId: ${requestId})`,
      fallbackId,
    );
  const text = (key: string): string | null => {
    const value = answer[key];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const data = answer["Data"] ?? {};
  if (!isTemplateMap(data))
    throw new HandlerError("Invalid response object: Value of property Data must be an object", fallbackId);
  const status = text("Status");
  if (status !== "SUCCESS" && status !== "FAILED")
    throw new HandlerError("Invalid response object: Value of property Status must be SUCCESS or FAILED", fallbackId);
  return { status, reason: text("Reason"), physicalId: text("PhysicalResourceId"), data };
}

interface Asked {
  readonly requestId: string;
  readonly fallbackId: string;
  readonly access: ServiceAccess;
}

function madeOf(answer: Answer, { type }: Request, { requestId, fallbackId, access }: Asked): Made {
  const { status, reason, physicalId, data } = answer;
  if (status === "FAILED")
    throw new HandlerError(
      `Received response status [FAILED] from custom resource. Message returned: ${reason ?? "none"} (RequestId: ${requestId})${adviceOn(reason ?? "", access)}`,
      physicalId ?? fallbackId,
    );
  if (type === "Delete") return { physicalId: fallbackId };
  if (physicalId === null || physicalId.length > PHYSICAL_ID_MAX)
    throw new HandlerError("Invalid PhysicalResourceId", fallbackId);
  return { physicalId, attributes: data };
}

function noAnswer(requestId: string, access: ServiceAccess, timeoutS: number): string {
  return `CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [${requestId}]. The function ${access.functionName} returned, and no answer came within ${timeoutS} s (ServiceTimeout).${adviceOnSilence(access)}`;
}

/** From 1 s to an hour, as a text or a number. */
function timeoutOf(value: TemplateValue | undefined): number {
  const seconds = value === undefined ? TIMEOUT_S_DEFAULT : Number(value);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > TIMEOUT_S_DEFAULT)
    throw new HandlerError(`ServiceTimeout must be a whole number of seconds from 1 to ${TIMEOUT_S_DEFAULT}`);
  return seconds;
}

/** The same when the action is tried again, so that a function can tell that it has done it. */
function requestIdOf({ stackId, logicalId, token }: HandlerContext): string {
  const hex = createHash("sha256").update(`${stackId} ${logicalId} ${token}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

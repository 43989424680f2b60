/**
 * Event source mappings. Nothing polls an event source here, so none can be made: a request that AWS would refuse is
 * refused in AWS's words, any other one with a sentence that says so. Texts: recorded on AWS (LocalStack's
 * …TestLambdaEventSourceMappings.test_event_source_mapping_exceptions asks for them).
 */
import { ApiError, invalidParameter, notFound } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { REFUSED } from "../operation-notes.ts";
import { versionOfQualifier } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store">;

type EventSourceOperations = OperationsOf<
  | "CreateEventSourceMapping"
  | "GetEventSourceMapping"
  | "ListEventSourceMappings"
  | "UpdateEventSourceMapping"
  | "DeleteEventSourceMapping"
>;

const NOTHING = "The resource you requested does not exist.";
const WITH_POSITION = new Set(["kinesis", "dynamodb"]);
/** Of AWS's default batch up to this size no window is needed. */
const BATCH_WITHOUT_WINDOW_MAX = 10;

export function eventSourceOperations(services: Needs): EventSourceOperations {
  const nothing = (): never => {
    throw notFound(NOTHING);
  };
  return {
    CreateEventSourceMapping: (input) => refuse(services, input),
    GetEventSourceMapping: nothing,
    UpdateEventSourceMapping: nothing,
    DeleteEventSourceMapping: nothing,
    // The place of a list of nothing: a marker that no list has given is refused.
    ListEventSourceMappings: (input) => ({
      EventSourceMappings: pageOf<never>({ list: "nothing", all: [], placeOf: () => [] }, input).items,
    }),
  };
}

async function refuse(
  services: Needs,
  input: In<"CreateEventSourceMapping">,
): Promise<Out<"CreateEventSourceMapping">> {
  const { EventSourceArn: arn } = input;
  if (arn === undefined && input.SelfManagedEventSource === undefined)
    throw invalidParameter("Unrecognized event source.");
  const service = arn?.split(":")[2] ?? "kafka";
  if (WITH_POSITION.has(service)) checkPosition(service, input);
  const { BatchSize: size = 0, MaximumBatchingWindowInSeconds: window = 0 } = input;
  if (service === "sqs" && size > BATCH_WITHOUT_WINDOW_MAX && window === 0)
    throw invalidParameter(
      "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    );
  await checkFunction(services, input.FunctionName);
  throw new ApiError(
    "NotImplementedException",
    `CreateEventSourceMapping is part of the Lambda API, but Thaw does not have it. ${REFUSED.CreateEventSourceMapping}`,
  );
}

function checkPosition(
  service: string,
  { StartingPosition: position, EventSourceArn: arn }: In<"CreateEventSourceMapping">,
): void {
  if (position === undefined)
    throw invalidParameter(
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
    );
  if (service === "dynamodb" && position === "AT_TIMESTAMP")
    throw invalidParameter(`Unsupported starting position for arn type: ${arn}`);
}

/** On AWS the function is a parameter of the mapping, and no resource of the request. */
async function checkFunction(services: Needs, functionName: string): Promise<void> {
  const { name, qualifier } = parseFunctionName(services.scope, functionName);
  const isThere = (await services.store.getFunction(name)) !== null;
  const version = isThere ? await versionOfQualifier(services, name, qualifier ?? "$LATEST").catch(() => null) : null;
  if (version === null || (await services.store.getVersion(name, version)) === null)
    throw invalidParameter("Function does not exist");
}

/** AWS::Lambda::EventInvokeConfig, and what a function of SAM says of asynchronous invokes. */
import { isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import { bareName, lacks, NOT_SUPPORTED, type Planning, readNumber, type Resource, text } from "./planning.ts";

const NEEDED = ["FunctionName", "Qualifier"];
const NUMBERS = ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"];
const DESTINATIONS = "DestinationConfig";
const SIDES = ["OnSuccess", "OnFailure"];
/** SAM makes a queue or a topic of its own where none is named. */
const MADE_BY_SAM = new Set(["SQS", "SNS"]);

export function readEventInvoke(planning: Planning, resource: Resource): void {
  const { place, properties } = resource;
  for (const key of Object.keys(properties))
    if (![...NEEDED, ...NUMBERS, DESTINATIONS].includes(key))
      planning.report.unsupported(`${place}.${key}`, NOT_SUPPORTED);
  if (lacks(planning, resource, NEEDED)) return;
  const { FunctionName: functionName, Qualifier: qualifier } = properties;
  add(planning, { place, functionName: bareName(functionName), qualifier: String(qualifier), given: properties });
}

/** A function of SAM: for the alias that it publishes, else for what is deployed last. */
export function readSamEventInvoke(planning: Planning, { place, properties, logicalId }: Resource): void {
  const given = properties["EventInvokeConfig"];
  const at = `${place}.EventInvokeConfig`;
  if (given === undefined) return;
  if (!isTemplateMap(given)) return planning.report.error(at, "must be a map");
  for (const key of Object.keys(given))
    if (![...NUMBERS, DESTINATIONS].includes(key)) planning.report.error(`${at}.${key}`, "is no member of it");
  const functionName = planning.names.get(logicalId) ?? logicalId;
  add(planning, { place: at, functionName, qualifier: text(properties["AutoPublishAlias"]) ?? "$LATEST", given });
}

/** SAM's DeadLetterQueue as Lambda's DeadLetterConfig; null where there is none. */
export function readDeadLetterQueue({ report }: Planning, { place, properties }: Resource): TemplateMap | null {
  const queue = properties["DeadLetterQueue"];
  if (queue === undefined) return null;
  const target = isTemplateMap(queue) ? queue["TargetArn"] : undefined;
  if (typeof target === "string" && target !== "") return { TargetArn: target };
  report.error(`${place}.DeadLetterQueue`, "needs a Type, SQS or SNS, and a TargetArn");
  return null;
}

interface Given {
  readonly place: string;
  readonly functionName: string;
  readonly qualifier: string;
  /** Numbers and destinations by their names. */
  readonly given: TemplateMap;
}

function add(planning: Planning, { place, functionName, qualifier, given }: Given): void {
  const config: Record<string, TemplateValue> = {};
  for (const key of NUMBERS) {
    const number = readNumber(planning, `${place}.${key}`, given[key]);
    if (number !== null) config[key] = number;
  }
  const destinations = readDestinations(planning, `${place}.${DESTINATIONS}`, given[DESTINATIONS]);
  if (destinations !== null) config[DESTINATIONS] = destinations;
  if (Object.keys(config).length === 0) return planning.report.error(place, "says neither retries nor destinations");
  planning.eventInvokes.push({ functionName, qualifier, config });
}

function readDestinations({ report }: Planning, place: string, value: TemplateValue | undefined): TemplateMap | null {
  if (value === undefined) return null;
  if (!isTemplateMap(value)) {
    report.error(place, "must be a map of OnSuccess and OnFailure");
    return null;
  }
  const read: Record<string, TemplateValue> = {};
  for (const [side, destination] of Object.entries(value)) {
    const at = `${place}.${side}`;
    const { Destination: arn, Type: type } = isTemplateMap(destination) ? destination : ({} as TemplateMap);
    if (!SIDES.includes(side)) report.error(at, "is neither OnSuccess nor OnFailure");
    else if (typeof arn === "string") read[side] = { Destination: arn };
    else if (MADE_BY_SAM.has(String(type)))
      report.unsupported(at, `has no Destination: Thaw can't make the ${String(type)} resource that SAM would`);
    else report.error(at, "needs a Destination, an ARN");
  }
  return read;
}

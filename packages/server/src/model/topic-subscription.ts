/**
 * Functions that subscribe topics of an SNS service: what is kept of a subscription, and what a function gets of a
 * message. https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
 */
import { isMap } from "@thaw/installation/json-map";
import { EventPatternError } from "./event-json.ts";
import { EventPattern, MatchedEvent } from "./event-pattern.ts";

export interface TopicSubscriptionRecord {
  /** Nobody can guess it: who knows it may send messages. */
  readonly id: string;
  readonly topicArn: string;
  readonly functionArn: string;
  /** As it is shown; null until the service has subscribed our address. */
  readonly subscriptionArn: string | null;
  /** The address that the service has; null as above. */
  readonly url: string | null;
  /** A JSON text; null: all messages are for it. */
  readonly filterPolicy: string | null;
  readonly filterScope: FilterScope;
  /** The service does not filter for us. */
  readonly isFilteredHere: boolean;
  /** ARN of the queue for messages that the function can't be invoked with; null: none. */
  readonly deadLetterArn: string | null;
}

export type FilterScope = "MessageAttributes" | "MessageBody";

/** What a service sends to an address. https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
export interface TopicMessage {
  readonly type: "Notification" | "SubscriptionConfirmation" | "UnsubscribeConfirmation";
  readonly topicArn: string;
  readonly message: string;
  /** Of a confirmation; empty otherwise. */
  readonly token: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  /** The members that functions see as they are; null where one was not sent. */
  readonly shown: Readonly<Record<(typeof SHOWN)[number], string | null>>;
}

interface MessageAttribute {
  readonly Type: string;
  readonly Value: string;
}

const TYPES: ReadonlySet<string> = new Set(["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]);
const SHOWN = [
  "MessageId",
  "Subject",
  "Timestamp",
  "SignatureVersion",
  "Signature",
  "SigningCertURL",
  "UnsubscribeURL",
] as const;

/** Null where the text is no message of SNS's. */
export function readTopicMessage(text: string): TopicMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isMap(value as never)) return null;
  const members = value as Readonly<Record<string, unknown>>;
  const textOf = (name: string): string | null => (typeof members[name] === "string" ? members[name] : null);
  const [type, topicArn] = [textOf("Type"), textOf("TopicArn")];
  if (type === null || topicArn === null || !TYPES.has(type)) return null;
  const given = (members["MessageAttributes"] ?? {}) as Readonly<Record<string, Partial<MessageAttribute> | null>>;
  const attributes = Object.entries(given).flatMap(([name, each]) =>
    typeof each?.Type === "string" && typeof each.Value === "string"
      ? [[name, { Type: each.Type, Value: each.Value }] as const]
      : [],
  );
  return {
    // It is one of them.
    type: type as TopicMessage["type"],
    topicArn,
    message: textOf("Message") ?? "",
    token: textOf("Token") ?? "",
    attributes: Object.fromEntries(attributes),
    shown: Object.fromEntries(SHOWN.map((name) => [name, textOf(name)])) as TopicMessage["shown"],
  };
}

/** The payload of a function. */
export function topicEvent(message: TopicMessage, subscriptionArn: string): string {
  const { MessageId, Subject, Timestamp, SignatureVersion, Signature, SigningCertURL, UnsubscribeURL } = message.shown;
  const Sns = {
    Type: message.type,
    MessageId,
    TopicArn: message.topicArn,
    Subject,
    Message: message.message,
    Timestamp,
    SignatureVersion,
    Signature,
    // Functions see these names with `Url`, addresses with `URL`.
    SigningCertUrl: SigningCertURL,
    UnsubscribeUrl: UnsubscribeURL,
    MessageAttributes: message.attributes,
  };
  const record = { EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: subscriptionArn, Sns };
  return JSON.stringify({ Records: [record] });
}

/** Says why a text is no filter policy; null: it is one. */
export function filterProblem(text: string): string | null {
  try {
    EventPattern.of(text);
    return null;
  } catch (error) {
    if (error instanceof EventPatternError) return error.message;
    throw error;
  }
}

/**
 * Whether a subscription is for a message. A message that is no JSON is for none that looks at its body.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
 */
export function passesFilter(
  { filterPolicy, filterScope }: Pick<TopicSubscriptionRecord, "filterPolicy" | "filterScope">,
  message: Pick<TopicMessage, "message" | "attributes">,
): boolean {
  if (filterPolicy === null) return true;
  try {
    const text = filterScope === "MessageBody" ? message.message : JSON.stringify(valuesOf(message.attributes));
    return EventPattern.of(filterPolicy).matches(MatchedEvent.of(text));
  } catch (error) {
    if (error instanceof EventPatternError) return false;
    throw error;
  }
}

/** Binary attributes are not filtered by. */
function valuesOf(attributes: TopicMessage["attributes"]): Readonly<Record<string, unknown>> {
  const values = Object.entries(attributes).map(([name, { Type, Value }]) => [name, valueOf(Type, Value)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

function valueOf(type: string, value: string): unknown {
  if (type.startsWith("Binary")) return null;
  if (type !== "String.Array" && !type.startsWith("Number")) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

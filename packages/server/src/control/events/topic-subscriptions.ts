/**
 * Functions that subscribe topics. The service that has the topic knows no functions here: it gets an address of this
 * server that nobody can guess, and sends its messages there. Each becomes an asynchronous invoke before the service
 * has its answer. What the service subscribed outlives this server, so it is looked at once after each start.
 */
import { isDeepStrictEqual } from "node:util";
import { parseTarget } from "../../model/destination.ts";
import { readFunctionName } from "../../model/function-name.ts";
import {
  filterProblem,
  passesFilter,
  readTopicMessage,
  topicEvent,
  type TopicMessage,
  type TopicSubscriptionRecord,
} from "../../model/topic-subscription.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import { CallError, type CallInput, type CallOutput } from "../../ports/service-calls.ts";
import type { ControlParts } from "../services.ts";
import type { ServiceInvokes } from "./service-invokes.ts";

/** Beginning of the addresses. */
export const TOPICS_PATH = "/_thaw/sns/";

const SUBSCRIPTIONS_MAX = 1000;
/** Time until a service that was away is asked again for what it has subscribed. */
const CHECK_AGAIN_MS = 30_000;
const ATTRIBUTES = ["FilterPolicy", "FilterPolicyScope", "RedrivePolicy"];
const MISSING: ReadonlySet<string> = new Set(["NotFound", "NotFoundException"]);

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "random" | "passed" | "onProblem">;
type Subscription = Stored<TopicSubscriptionRecord>;
/** What a client can set. */
type Settings = Pick<TopicSubscriptionRecord, "filterPolicy" | "filterScope" | "deadLetterArn">;
const NO_SETTINGS: Settings = { filterPolicy: null, filterScope: "MessageAttributes", deadLetterArn: null };

/** What a sender is told. */
export type Receipt = "taken" | "unknown" | "not a message" | "wrong topic" | "again";

export class TopicSubscriptions {
  readonly #services: Needs;
  readonly #invokes: ServiceInvokes;
  readonly #base = Promise.withResolvers<string>();
  /** Changes of subscriptions, one at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #cancelCheck: (() => void) | null = null;
  #isClosing = false;

  constructor(services: Needs, invokes: ServiceInvokes) {
    this.#services = services;
    this.#invokes = invokes;
    // Nobody may wait for it.
    this.#base.promise.catch(() => undefined);
  }

  /** Hears at which address services reach this server. */
  listening(base: string): void {
    this.#base.resolve(base);
    void this.#checkAll(base);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelCheck?.();
    this.#base.reject(new CallError("sns", "EndpointAway", "The server is stopping."));
    await this.#last;
  }

  /** Carries out an operation of SNS's about a function; null where it is about none. Throws a CallError. */
  async call(operation: string, input: CallInput): Promise<CallOutput | null> {
    if (operation === "Subscribe" && input["Protocol"] === "lambda") return this.#inTurn(() => this.#subscribe(input));
    const arn = input["SubscriptionArn"];
    if (typeof arn !== "string") return null;
    return this.#inTurn(async () => {
      const found = (await this.#all()).find(({ subscriptionArn }) => subscriptionArn === arn);
      if (found === undefined) return null;
      switch (operation) {
        case "Unsubscribe":
          await this.#ask(found, "Unsubscribe", { SubscriptionArn: arn }).catch(unlessMissing);
          await this.#services.changes.commit([{ op: "remove", kind: "topicSubscription", record: found }]);
          return {};
        case "SetSubscriptionAttributes":
          await this.#set(found, settingsOf(found, { [String(input["AttributeName"])]: input["AttributeValue"] }));
          return {};
        default:
          return null;
      }
    });
  }

  /** Takes what somebody sends to an address; durable when it resolves. */
  async receive(id: string, body: string): Promise<Receipt> {
    const found = await this.#services.store.getAccountEntry("topicSubscription", id);
    if (found === null) return "unknown";
    const message = readTopicMessage(body);
    if (message === null) return "not a message";
    if (message.topicArn !== found.topicArn) return "wrong topic";
    if (message.type === "SubscriptionConfirmation") {
      // By the service that the operator named, and not by the address in the message.
      await this.#ask(found, "ConfirmSubscription", { TopicArn: found.topicArn, Token: message.token });
      return "taken";
    }
    // Whoever ended it there: what is kept here goes with the function's own subscription.
    if (message.type === "UnsubscribeConfirmation") return "taken";
    return this.#invoke(found, message, body);
  }

  async #invoke(found: Subscription, message: TopicMessage, body: string): Promise<Receipt> {
    const { topicArn, functionArn, subscriptionArn, deadLetterArn } = found;
    // The service was faster than its answer.
    if (subscriptionArn === null) return "again";
    if (found.isFilteredHere && !passesFilter(found, message)) return "taken";
    const invoke = {
      what: `a message of ${topicArn} for ${functionArn} is dropped`,
      functionArn,
      payload: Buffer.from(topicEvent(message, subscriptionArn)),
      traceId: null,
      caller: { service: "sns.amazonaws.com", sourceArn: topicArn },
      deadLetter: deadLetterArn === null ? null : { arn: deadLetterArn, body, attributes: {} },
    };
    return (await this.#invokes.accept([invoke])) === "done" ? "taken" : "again";
  }

  async #subscribe({ TopicArn, Endpoint, Attributes }: CallInput): Promise<CallOutput> {
    const topicArn = String(TopicArn);
    const functionArn = String(Endpoint);
    if (parseTarget(topicArn)?.service !== "sns")
      throw invalid("TopicArn: a function subscribes a standard topic; a FIFO topic has none");
    this.#checkFunction(functionArn);
    const settings = settingsOf(NO_SETTINGS, (Attributes ?? {}) as Readonly<Record<string, unknown>>);
    const all = await this.#all();
    const known = all.find((each) => each.topicArn === topicArn && each.functionArn === functionArn);
    if (known === undefined && all.length >= SUBSCRIPTIONS_MAX)
      throw new CallError("sns", "SubscriptionLimitExceeded", `Functions have ${SUBSCRIPTIONS_MAX} subscriptions.`);
    const base = await this.#base.promise;
    const entry = known ?? (await this.#begin({ topicArn, functionArn, ...settings }));
    if (entry.subscriptionArn !== null) {
      await this.#set(entry, settings);
      return { SubscriptionArn: entry.subscriptionArn };
    }
    try {
      return { SubscriptionArn: await this.#connect(entry, settings, base) };
    } catch (error) {
      // Nothing was subscribed, as far as the service says.
      await this.#services.changes.commit([{ op: "remove", kind: "topicSubscription", record: entry }]);
      throw error;
    }
  }

  #checkFunction(arn: string): void {
    const { accountId, region } = this.#services.scope;
    const named = arn.startsWith("arn:") ? readFunctionName(arn) : null;
    if (named === null) throw invalid("Lambda endpoint ARN");
    if (named.accountId !== accountId || named.region !== region)
      throw invalid(`Endpoint: the function must be of account ${accountId} in ${region}`);
  }

  async #begin(wish: Settings & Pick<TopicSubscriptionRecord, "topicArn" | "functionArn">): Promise<Subscription> {
    const { random, store } = this.#services;
    const id = random.bytes(32).toString("base64url");
    await this.#put({ ...wish, id, subscriptionArn: null, url: null, isFilteredHere: false }, null);
    const begun = await store.getAccountEntry("topicSubscription", id);
    if (begun === null) throw new Error("a subscription has gone that nobody can name");
    return begun;
  }

  /** Has the service send messages to our address; gives the subscription's ARN. */
  async #connect(entry: Subscription, settings: Settings, base: string): Promise<string> {
    const url = `${base.replace(/\/$/, "")}${TOPICS_PATH}${entry.id}`;
    const Protocol = url.startsWith("https:") ? "https" : "http";
    const wish = { TopicArn: entry.topicArn, Protocol, Endpoint: url, ReturnSubscriptionArn: true };
    const Attributes = filterAttributes(settings);
    const subscribe = (more: object): Promise<CallOutput> => this.#ask(entry, "Subscribe", { ...wish, ...more });
    const answer = await subscribe(settings.filterPolicy === null ? {} : { Attributes }).catch((error: unknown) => {
      // A service that has no filters for addresses.
      if (settings.filterPolicy !== null && isRefusal(error)) return subscribe({});
      throw error;
    });
    const given = String(answer["SubscriptionArn"]);
    // Some say no more than that it waits to be confirmed.
    const subscriptionArn = given.startsWith("arn:") ? given : `${entry.topicArn}:${entry.id}`;
    const isFilteredHere = !(await this.#isFilteredThere(entry, subscriptionArn, settings));
    await this.#put({ ...entry, ...settings, url, subscriptionArn, isFilteredHere }, entry);
    return subscriptionArn;
  }

  async #isFilteredThere(entry: Subscription, SubscriptionArn: string, { filterPolicy }: Settings): Promise<boolean> {
    if (filterPolicy === null) return true;
    try {
      const { Attributes } = await this.#ask(entry, "GetSubscriptionAttributes", { SubscriptionArn });
      const shown = (Attributes as Readonly<Record<string, string>> | undefined)?.["FilterPolicy"];
      return shown !== undefined && isDeepStrictEqual(JSON.parse(shown), JSON.parse(filterPolicy));
    } catch {
      return false;
    }
  }

  async #set(entry: Subscription, settings: Settings): Promise<void> {
    if (entry.filterPolicy === settings.filterPolicy && entry.filterScope === settings.filterScope) {
      if (entry.deadLetterArn !== settings.deadLetterArn) await this.#put({ ...entry, ...settings }, entry);
      return;
    }
    const arn = entry.subscriptionArn ?? "";
    // A service without filters has none that would be left.
    if (!entry.isFilteredHere) {
      const attributes = { ...filterAttributes(settings), FilterPolicy: settings.filterPolicy ?? "{}" };
      for (const [AttributeName, AttributeValue] of Object.entries(attributes).toReversed())
        await this.#ask(entry, "SetSubscriptionAttributes", { SubscriptionArn: arn, AttributeName, AttributeValue });
    }
    const isFilteredHere = !(await this.#isFilteredThere(entry, arn, settings));
    await this.#put({ ...entry, ...settings, isFilteredHere }, entry);
  }

  /** Subscribes anew what the service does not have any more, or has with an earlier address of this server. */
  async #checkAll(base: string): Promise<void> {
    const { onProblem, clock } = this.#services;
    let isAway = false;
    for (const { id } of await this.#made()) {
      if (this.#isClosing) return;
      try {
        await this.#inTurn(() => this.#check(id, base));
      } catch (error) {
        const isOfService = error instanceof CallError && error.code === "EndpointAway";
        isAway ||= isOfService;
        if (!isOfService) onProblem("look at a function's subscription of a topic", error);
      }
    }
    if (isAway && !this.#isClosing) this.#cancelCheck = clock.after(CHECK_AGAIN_MS, () => void this.#checkAll(base));
  }

  /** Those that a service has; none where the store can't be read, which is told. */
  async #made(): Promise<readonly Subscription[]> {
    try {
      return (await this.#all()).filter(({ subscriptionArn }) => subscriptionArn !== null);
    } catch (error) {
      this.#services.onProblem("read the functions' subscriptions of topics", error);
      return [];
    }
  }

  async #check(id: string, base: string): Promise<void> {
    const entry = await this.#services.store.getAccountEntry("topicSubscription", id);
    if (entry === null || entry.subscriptionArn === null) return;
    const before = { SubscriptionArn: entry.subscriptionArn };
    const isHere = entry.url?.startsWith(`${base.replace(/\/$/, "")}/`) === true;
    const isThere = await this.#ask(entry, "GetSubscriptionAttributes", before).then(() => true, unlessMissing);
    if (isHere && isThere === true) return;
    await this.#connect(entry, entry, base);
    if (isThere === true) await this.#ask(entry, "Unsubscribe", before).catch(unlessMissing);
  }

  #ask({ topicArn }: TopicSubscriptionRecord, operation: string, input: CallInput): Promise<CallOutput> {
    const { passed } = this.#services;
    if (!passed.hasEndpoint("sns"))
      throw new CallError("sns", "EndpointAway", "No service is named for topics: see --aws-endpoint sns=URL.");
    return passed.call(topicArn.split(":")[3] ?? "", "sns", operation, input);
  }

  #all(): Promise<readonly Subscription[]> {
    return this.#services.store.listAccountEntries("topicSubscription");
  }

  async #put(record: TopicSubscriptionRecord, over: Subscription | null): Promise<void> {
    const written = await this.#services.changes.commit([{ op: "put", kind: "topicSubscription", record, over }]);
    if (written === "changed") throw new Error("a subscription was changed by another server");
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const own = this.#last.then(work);
    this.#last = own.catch(() => undefined);
    return own;
  }
}

/** The settings after attributes were given. Throws a CallError where one can't be. */
function settingsOf(before: Settings, given: Readonly<Record<string, unknown>>): Settings {
  let { filterPolicy, filterScope, deadLetterArn } = before;
  for (const [name, value] of Object.entries(given)) {
    const text = value === undefined || value === null ? "" : String(value);
    if (name === "RawMessageDelivery" && text !== "true") continue;
    if (!ATTRIBUTES.includes(name))
      throw invalid(`${name}: a function's subscription has ${ATTRIBUTES.join(", ")} in Thaw`);
    if (name === "FilterPolicy") filterPolicy = checkedPolicy(text);
    if (name === "RedrivePolicy") deadLetterArn = deadLetterOf(text);
    if (name !== "FilterPolicyScope") continue;
    if (text !== "" && text !== "MessageAttributes" && text !== "MessageBody")
      throw invalid("FilterPolicyScope: Invalid value. Please use either MessageBody or MessageAttributes");
    filterScope = text === "" ? "MessageAttributes" : text;
  }
  return { filterPolicy, filterScope, deadLetterArn };
}

function checkedPolicy(text: string): string | null {
  if (text === "" || text === "{}") return null;
  const problem = filterProblem(text);
  if (problem !== null) throw invalid(`FilterPolicy: ${problem}`);
  return text;
}

function deadLetterOf(text: string): string | null {
  if (text === "" || text === "{}") return null;
  let arn: unknown;
  try {
    arn = (JSON.parse(text) as { readonly deadLetterTargetArn?: unknown } | null)?.deadLetterTargetArn;
  } catch {
    throw invalid("RedrivePolicy: failed to parse JSON.");
  }
  if (typeof arn !== "string" || parseTarget(arn)?.service !== "sqs")
    throw invalid("RedrivePolicy: deadLetterTargetArn must be the ARN of a standard SQS queue");
  return arn;
}

function filterAttributes({ filterPolicy, filterScope }: Settings): Readonly<Record<string, string>> {
  return { FilterPolicy: filterPolicy ?? "{}", FilterPolicyScope: filterScope };
}

function isRefusal(error: unknown): boolean {
  return error instanceof CallError && error.code !== "EndpointAway" && !MISSING.has(error.code);
}

function unlessMissing(error: unknown): null {
  if (error instanceof CallError && MISSING.has(error.code)) return null;
  throw error;
}

function invalid(why: string): CallError {
  return new CallError("sns", "InvalidParameter", `Invalid parameter: ${why}`);
}

/**
 * Event buses: an event becomes asynchronous invokes of the targets of the rules that it matches. The invokes are
 * accepted before its sender has an answer; what becomes of them is the queue's.
 */
import { Turns } from "../../base/turns.ts";
import { type BusEvent, eventJson } from "../../model/event-bus/event.ts";
import { busArn, readBusName } from "../../model/event-bus/names.ts";
import { DEFAULT_BUS } from "../../model/event-bus/record.ts";
import { EventPatternError } from "../../model/event-json.ts";
import { MatchedEvent } from "../../model/event-pattern.ts";
import { isSameScope } from "../../model/function-name.ts";
import type { DestinationMessage, DestinationTarget } from "../../model/destination.ts";
import { DestinationError, type Destinations } from "../../ports/destinations.ts";
import type { EventBuses } from "../../ports/event-buses.ts";
import type { ControlParts, ControlServices } from "../services.ts";
import { RuleIndex } from "./rule-index.ts";
import type { ServiceInvoke, ServiceInvokes } from "./service-invokes.ts";
import { invokesOf, readOnce } from "./targets.ts";

/** What one event may become: many rules can match a large one. */
const BYTES_OF_EVENT_MAX = 64 * 2 ** 20;
/** Bytes that are written in one commit, about. */
const BYTES_OF_COMMIT = 16 * 2 ** 20;

type Needs = Pick<ControlParts, "scope" | "store" | "clock" | "onProblem">;

export class OwnBuses implements EventBuses {
  readonly #services: Needs;
  readonly #invokes: ServiceInvokes;
  readonly #rules: RuleIndex;
  readonly #onRules: () => void;

  /**
   * @param onRules - Hears of written rules, too.
   */
  constructor(services: Needs, invokes: ServiceInvokes, onRules: () => void) {
    this.#services = services;
    this.#invokes = invokes;
    this.#rules = new RuleIndex(services.store);
    this.#onRules = onRules;
  }

  rulesChanged(): void {
    this.#rules.forget();
    this.#onRules();
  }

  async has(bus: string): Promise<boolean> {
    return bus === DEFAULT_BUS || (await this.#services.store.getAccountEntry("eventBus", bus)) !== null;
  }

  async put(bus: string, events: readonly BusEvent[]): Promise<ReadonlyArray<string | null>> {
    if (!(await this.has(bus))) {
      // AWS takes such events, and drops them.
      this.#services.onProblem("PutEvents", new Error(`${events.length} events for a bus that is not there: ${bus}`));
      return events.map(() => null);
    }
    const answers: Array<string | null> = [];
    let waiting: ServiceInvoke[] = [];
    const turns = new Turns(this.#services.clock);
    for (const event of events) {
      const made = await this.#invokesOf(bus, event);
      await turns.next();
      answers.push(typeof made === "string" ? made : null);
      if (typeof made !== "string") waiting.push(...made);
      if (bytesOf(waiting) < BYTES_OF_COMMIT) continue;
      await this.#invokes.accept(waiting);
      waiting = [];
    }
    if (waiting.length > 0) await this.#invokes.accept(waiting);
    return answers;
  }

  /** A text says why the event can't be taken. */
  async #invokesOf(bus: string, event: BusEvent): Promise<readonly ServiceInvoke[] | string> {
    const { scope, clock } = this.#services;
    const json = eventJson(scope, event);
    try {
      const matched = MatchedEvent.of(json);
      const invokes: ServiceInvoke[] = [];
      let bytes = 0;
      const given = { json, parsed: readOnce(json), traceId: event.traceId, nowMs: clock.nowMs() };
      for (const { rule, pattern } of await this.#rules.of(bus)) {
        if (!pattern.matches(matched)) continue;
        const made = invokesOf(scope, rule, given);
        bytes += bytesOf(made);
        if (bytes > BYTES_OF_EVENT_MAX)
          return `The rules that it matches would make more than ${BYTES_OF_EVENT_MAX / 2 ** 20} MiB of it.`;
        invokes.push(...made);
      }
      return invokes;
    } catch (error) {
      if (error instanceof EventPatternError) return error.message;
      throw error;
    }
  }
}

function bytesOf(invokes: readonly ServiceInvoke[]): number {
  return invokes.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0);
}

/** Destinations among which this scope's own buses are, where the operator names no endpoint of EventBridge. */
export function withOwnBuses(
  destinations: Destinations,
  { scope, random, clock }: Pick<ControlServices, "scope" | "random" | "clock">,
  buses: () => OwnBuses,
): Destinations {
  const ownBus = (target: DestinationTarget): string | null => {
    if (target.service !== "events" || destinations.hasEndpoint("events")) return null;
    const { owner, name } = readBusName(target.busArn);
    return owner !== null && isSameScope(owner, scope) ? name : null;
  };
  const put = async (bus: string, { body, event, traceId }: DestinationMessage): Promise<void> => {
    if (!(await buses().has(bus))) throw new DestinationError(`There is no event bus ${bus}.`, true);
    const { source, detailType, resources } = event;
    const made = { id: random.uuid(), source, detailType, resources, timeMs: clock.nowMs(), detail: body, traceId };
    const [problem] = await buses().put(bus, [made]);
    if (problem !== null && problem !== undefined) throw new DestinationError(problem, true);
  };
  return {
    hasEndpoint: (service) => destinations.hasEndpoint(service),
    async problemOf(target) {
      const bus = ownBus(target);
      if (bus === null) return destinations.problemOf(target);
      return (await buses().has(bus)) ? null : `There is no event bus ${busArn(scope, bus)}: see CreateEventBus.`;
    },
    send(target, message) {
      const bus = ownBus(target);
      return bus === null ? destinations.send(target, message) : put(bus, message);
    },
    close: () => destinations.close(),
  };
}

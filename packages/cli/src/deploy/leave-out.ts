/**
 * `--skip-unsupported`: the template without what Thaw refuses. What names a resource that is left out gets a made-up
 * name, as `sam local` gives it; a variable whose value can't be had is not set. Each of them is told.
 */
import { arnOf, attributeOf, givenName } from "@thaw/template/foreign";
import type { LocalOptions, LocalValues } from "@thaw/template/local-values";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { StackClients } from "../aws-clients.ts";
import type { LookUps } from "./look-ups.ts";
import { describeType } from "./show-changes.ts";
import { TemplateRefused } from "./stack.ts";

export interface LeftOut {
  readonly sections: TemplateMap;
  /** Sentences about parts that are left out. */
  readonly left: readonly string[];
  /** Variables that are not set, and those with a made-up name: they are told last, where nobody overlooks them. */
  readonly lost: readonly string[];
  readonly madeUp: readonly string[];
}

export interface LeaveOutInput {
  readonly clients: StackClients;
  readonly place: Omit<LocalOptions, "parameters">;
  readonly values: LocalValues;
  readonly lookUps: LookUps;
}

/** What SAM makes of its own types, where Thaw may not have it. */
const MADE_OF: Readonly<Record<string, string>> = {
  "AWS::Serverless::GraphQLApi": "AWS::AppSync::GraphQLApi",
  "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
  "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
};
const MADE_OF_EVENTS: Readonly<Record<string, string>> = {
  CloudWatchLogs: "AWS::Logs::SubscriptionFilter",
  DocumentDB: "AWS::DocDB::DBCluster",
  IoTRule: "AWS::IoT::TopicRule",
  MQ: "AWS::AmazonMQ::Broker",
  MSK: "AWS::MSK::Cluster",
  SNS: "AWS::SNS::Subscription",
};
/** They are nothing without what they are for. */
const NOTHING_WITHOUT = new Set([
  "AWS::Lambda::EventSourceMapping",
  "AWS::Lambda::Permission",
  "AWS::Serverless::Connector",
]);
const FUNCTIONS = new Set(["AWS::Serverless::Function", "AWS::Lambda::Function"]);
const SUBSTITUTION = /\$\{([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?\}/g;

interface Gone {
  readonly type: string;
  readonly name: string;
}

export async function leaveOut(sections: TemplateMap, input: LeaveOutInput): Promise<LeftOut> {
  const resources = isTemplateMap(sections["Resources"]) ? sections["Resources"] : {};
  const refusals = await refusalsOf(input.clients, resources);
  const gone = new Map<string, Gone>();
  const left: string[] = [];
  for (const [id, resource] of Object.entries(resources)) {
    const type = isTemplateMap(resource) ? String(resource["Type"]) : "";
    const refusal = refusals.get(type);
    if (refusal === undefined || !isTemplateMap(resource) || !input.values.isPresent(resource)) continue;
    const own = givenName(isTemplateMap(resource["Properties"]) ? resource["Properties"] : {});
    const name = own === undefined ? undefined : input.values.value(own);
    gone.set(id, { type: MADE_OF[type] ?? type, name: typeof name === "string" ? name : id });
    left.push(`Resources.${id}: ${refusal}`);
  }
  const work = new LeavingOut(input, gone, refusals, left);
  const kept = Object.entries(resources).filter(([id]) => !gone.has(id));
  const globals = sections["Globals"];
  const whole = {
    ...sections,
    Resources: await work.resources(Object.fromEntries(kept)),
    ...(isTemplateMap(globals) ? { Globals: await work.globals(globals) } : {}),
    ...(isTemplateMap(sections["Outputs"]) ? { Outputs: work.outputs(sections["Outputs"]) } : {}),
  };
  return { sections: whole, left: work.left, lost: work.lost, madeUp: work.madeUp };
}

/** Why types, and kinds of events, are refused, of those that the template has. */
async function refusalsOf(clients: StackClients, resources: TemplateMap): Promise<ReadonlyMap<string, string>> {
  const types = Object.values(resources).map((each) => (isTemplateMap(each) ? String(each["Type"]) : ""));
  const isSam = (type: string): boolean => type.startsWith("AWS::Serverless::");
  const asked = [...new Set(types)].filter((type) => !isSam(type) || Object.hasOwn(MADE_OF, type));
  const pairs = [
    ...asked.map((type) => [type, MADE_OF[type] ?? type] as const),
    ...Object.entries(MADE_OF_EVENTS).map(([kind, type]) => [`Events: ${kind}`, type] as const),
  ];
  const found = await Promise.all(
    pairs.map(async ([key, type]) => [key, (await describeType(clients, type)).refusal] as const),
  );
  // A type that AWS does not have either is a mistake of the template.
  return new Map(
    found.flatMap(([key, refusal]) => (refusal?.includes(" is not there: ") === true ? [[key, refusal] as const] : [])),
  );
}

const VALIDATION = /^Properties validation failed for resource ([A-Za-z0-9]+) with message:\n(.+)$/s;
const FOREIGN_KEY =
  /^#((?:\/[^/\s:]+)*): (?:extraneous key \[([^\]]+)\] is not permitted$|Thaw does not have the property \[([^\]]+)\])/;
const ROUNDS_MAX = 100;

/** Makes a change set, again without the properties that are refused by their path; `left`: sentences about them. */
export async function withoutForeignProperties<T>(
  sections: TemplateMap,
  changeSetOf: (sections: TemplateMap) => Promise<T>,
  tell: (sentence: string) => void,
): Promise<{ readonly changeSet: T; readonly left: readonly string[] }> {
  const left: string[] = [];
  let kept = sections;
  for (let round = 0; ; round++)
    try {
      return { changeSet: await changeSetOf(kept), left };
    } catch (error) {
      const [, id = "", lines = ""] = (error instanceof TemplateRefused ? VALIDATION.exec(error.reason) : null) ?? [];
      const paths = lines.split("\n").flatMap((line) => {
        const [, path, foreign, key = foreign] = FOREIGN_KEY.exec(line) ?? [];
        return path === undefined || key === undefined ? [] : [[...path.split("/").slice(1), key]];
      });
      const changed = paths.reduce((all, path) => without(all, ["Resources", id, "Properties", ...path]), kept);
      // What the transform has made of something else is not in the template.
      if (round === ROUNDS_MAX || JSON.stringify(changed) === JSON.stringify(kept)) throw error;
      kept = changed;
      for (const path of paths) {
        left.push(`Resources.${id}.${path.join(".")} has no meaning here`);
        tell(left.at(-1) ?? "");
      }
    }
}

/** Without the member at a path, if there is one. */
function without(value: TemplateMap, [key = "", ...path]: readonly string[]): TemplateMap {
  const { [key]: member, ...rest } = value;
  if (path.length === 0) return rest;
  return isTemplateMap(member) ? { ...value, [key]: without(member, path) } : value;
}

class LeavingOut {
  readonly left: string[];
  readonly lost: string[] = [];
  readonly madeUp: string[] = [];
  readonly #input: LeaveOutInput;
  readonly #gone: ReadonlyMap<string, Gone>;
  readonly #refusals: ReadonlyMap<string, string>;

  constructor(
    input: LeaveOutInput,
    gone: ReadonlyMap<string, Gone>,
    refusals: ReadonlyMap<string, string>,
    left: string[],
  ) {
    this.#input = input;
    this.#gone = gone;
    this.#refusals = refusals;
    this.left = left;
  }

  async resources(resources: TemplateMap): Promise<TemplateMap> {
    const kept: Record<string, TemplateValue> = {};
    for (const [id, resource] of Object.entries(resources)) {
      const place = `Resources.${id}`;
      if (!isTemplateMap(resource)) continue;
      const type = String(resource["Type"]);
      const named = NOTHING_WITHOUT.has(type) ? this.#namesGone(resource["Properties"] ?? null) : null;
      if (named !== null) {
        this.left.push(`${place} is for ${named}, which is left out`);
        continue;
      }
      const properties = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
      const own = FUNCTIONS.has(type) ? await this.#ofFunction(properties, place) : properties;
      const { DependsOn: needs, ...rest } = resource;
      kept[id] = this.#rename({ ...rest, ...this.#needs(needs), Properties: own }, place);
    }
    return kept;
  }

  async globals(globals: TemplateMap): Promise<TemplateMap> {
    const own = globals["Function"];
    const changed = isTemplateMap(own)
      ? { ...globals, Function: await this.#ofFunction(own, "Globals.Function") }
      : globals;
    return this.#rename(changed, "Globals") as TemplateMap;
  }

  outputs(outputs: TemplateMap): TemplateMap {
    const kept = Object.entries(outputs).filter(([key, output]) => {
      const named = this.#namesGone(output);
      if (named !== null) this.left.push(`Outputs.${key} names ${named}, which is left out`);
      return named === null;
    });
    return Object.fromEntries(kept);
  }

  #needs(needs: TemplateValue | undefined): TemplateMap {
    if (needs === undefined) return {};
    const all = isTemplateList(needs) ? needs : [needs];
    const kept = all.filter((id) => !this.#gone.has(String(id)));
    return kept.length === 0 ? {} : { DependsOn: kept };
  }

  async #ofFunction(properties: TemplateMap, place: string): Promise<TemplateMap> {
    const { Architectures: architectures, Events: events, Environment: environment, ...rest } = properties;
    const isForeign = isArm(architectures);
    if (isForeign) this.left.push(`${place}.Architectures is arm64, and hosts of Thaw are x86_64`);
    return {
      ...rest,
      ...(architectures === undefined || isForeign ? {} : { Architectures: architectures }),
      ...(isTemplateMap(events) ? { Events: this.#events(events, `${place}.Events`) } : {}),
      ...(isTemplateMap(environment) ? { Environment: await this.#environment(environment, place) } : {}),
    };
  }

  #events(events: TemplateMap, place: string): TemplateMap {
    const kept = Object.entries(events).filter(([name, event]) => {
      const kind = isTemplateMap(event) ? String(event["Type"]) : "";
      const refusal = this.#refusals.get(`Events: ${kind}`);
      const named = this.#namesGone(event);
      if (refusal !== undefined) this.left.push(`${place}.${name} (${kind}): ${refusal}`);
      else if (named !== null) this.left.push(`${place}.${name} is for ${named}, which is left out`);
      return refusal === undefined && named === null;
    });
    return Object.fromEntries(kept);
  }

  async #environment(environment: TemplateMap, place: string): Promise<TemplateMap> {
    const variables = environment["Variables"];
    if (!isTemplateMap(variables)) return environment;
    const kept: Record<string, TemplateValue> = {};
    for (const [name, value] of Object.entries(variables)) {
      const missing = await this.#input.lookUps.missing(value, `${place}.Environment.Variables.${name}`);
      if (missing.length === 0) kept[name] = value;
      else this.lost.push(...missing);
    }
    return { ...environment, Variables: kept };
  }

  /** The first logical id that a value names and that is left out; null: there is none. */
  #namesGone(value: TemplateValue): string | null {
    let named: string | null = null;
    this.#replace(value, "", (id) => {
      named ??= id;
    });
    return named;
  }

  #rename(value: TemplateValue, place: string): TemplateValue {
    return this.#replace(value, place, (id, made, at) => {
      if (at.includes(".Environment.Variables."))
        this.madeUp.push(`${at.replace(".Properties.", ".")} names ${id}, which is not here: ${made}`);
    });
  }

  /** Puts made-up names in the place of what names a resource that is left out. */
  #replace(
    value: TemplateValue,
    place: string,
    tell: (id: string, made: string, place: string) => void,
  ): TemplateValue {
    if (isTemplateList(value)) return value.map((each, at) => this.#replace(each, `${place}[${at}]`, tell));
    if (!isTemplateMap(value)) return value;
    const [only, ...more] = Object.keys(value);
    const argument = only === undefined || more.length > 0 ? undefined : value[only];
    const make = (id: string, attribute: string | undefined): string | null => {
      const made = this.#nameOf(id, attribute);
      if (made !== null) tell(id, made, place);
      return made;
    };
    if (only === "Ref" && typeof argument === "string") return make(argument, undefined) ?? value;
    if (only === "Fn::GetAtt") {
      const [id = "", ...names] = isTemplateList(argument) ? argument.map(String) : String(argument).split(".");
      return make(id, names.join(".")) ?? value;
    }
    const substituted = only === "Fn::Sub" ? this.#substitute(argument, make) : undefined;
    const members = substituted === undefined ? value : { "Fn::Sub": substituted };
    return Object.fromEntries(
      Object.entries(members).map(([key, member]) => {
        const at = key.startsWith("Fn::") ? place : `${place}.${key}`;
        return [key, this.#replace(member, at, tell)];
      }),
    );
  }

  #substitute(
    argument: TemplateValue | undefined,
    make: (id: string, attribute: string | undefined) => string | null,
  ): TemplateValue | undefined {
    const [text, own] = isTemplateList(argument) ? argument : [argument];
    if (typeof text !== "string") return undefined;
    const names = isTemplateMap(own) ? own : {};
    const filled = text.replaceAll(SUBSTITUTION, (whole, id: string, attribute: string | undefined) =>
      Object.hasOwn(names, id) ? whole : (make(id, attribute) ?? whole),
    );
    return isTemplateMap(own) ? [filled, own] : filled;
  }

  #nameOf(id: string, attribute: string | undefined): string | null {
    const gone = this.#gone.get(id);
    if (gone === undefined) return null;
    const { place } = this.#input;
    // Ref of a topic is its ARN.
    if (attribute === undefined)
      return gone.type === "AWS::SNS::Topic" ? arnOf(gone.type, gone.name, place) : gone.name;
    return attributeOf(gone.type, gone.name, attribute, place);
  }
}

function isArm(architectures: TemplateValue | undefined): boolean {
  return isTemplateList(architectures) && architectures.includes("arm64");
}

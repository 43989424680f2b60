/**
 * What the console reads of AWS CloudFormation, whose answers are XML. The browser's own reader gives it as a document:
 * DOMParser would be asked for a trusted type.
 */
import { Refused } from "./client.ts";
import { token } from "./session.ts";

export interface Stack {
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly updatedAtMs: number | null;
  readonly outputs: ReadonlyArray<{ readonly key: string; readonly value: string }>;
}

export interface StackResource {
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

export interface StackEvent {
  readonly id: string;
  readonly atMs: number;
  readonly logicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

export interface ChangeSet {
  readonly name: string;
  readonly status: string;
  readonly executionStatus: string;
  readonly reason: string;
  readonly description: string;
  readonly createdAtMs: number | null;
}

/** What becomes of a property; values are empty where there is none, or where they are not shown. */
export interface PropertyDifference {
  readonly path: string;
  readonly recreates: string;
  readonly before: string;
  readonly after: string;
}

export interface ResourceDifference {
  readonly action: string;
  readonly logicalId: string;
  readonly type: string;
  readonly replacement: string;
  readonly properties: readonly PropertyDifference[];
}

const DOOR = "/_thaw/console/api/cloudformation/";
const VERSION = "2010-05-15";
/** Pages that are read of a list. */
const PAGES_MAX = 20;

export async function describeStacks(name: string | null, signal: AbortSignal): Promise<readonly Stack[]> {
  const wanted = name === null ? {} : { StackName: name };
  return (await all("DescribeStacks", "Stacks", wanted, signal)).map((stack) => ({
    name: textOf(stack, "StackName"),
    status: textOf(stack, "StackStatus"),
    reason: textOf(stack, "StackStatusReason"),
    updatedAtMs: timeIn(stack, "LastUpdatedTime") ?? timeIn(stack, "CreationTime"),
    outputs: membersOf(childOf(stack, "Outputs")).map((output) => ({
      key: textOf(output, "OutputKey"),
      value: textOf(output, "OutputValue"),
    })),
  }));
}

export async function listResources(name: string, signal: AbortSignal): Promise<readonly StackResource[]> {
  const found = await all("ListStackResources", "StackResourceSummaries", { StackName: name }, signal);
  return found.map((resource) => ({
    logicalId: textOf(resource, "LogicalResourceId"),
    physicalId: textOf(resource, "PhysicalResourceId"),
    type: textOf(resource, "ResourceType"),
    status: textOf(resource, "ResourceStatus"),
    reason: textOf(resource, "ResourceStatusReason"),
  }));
}

/** The newest page of events, newest first. */
export async function describeEvents(name: string, signal: AbortSignal): Promise<readonly StackEvent[]> {
  const answer = await ask("DescribeStackEvents", { StackName: name }, signal);
  return membersOf(answer.getElementsByTagName("StackEvents")[0] ?? null).map((event) => ({
    id: textOf(event, "EventId"),
    atMs: timeIn(event, "Timestamp") ?? 0,
    logicalId: textOf(event, "LogicalResourceId"),
    type: textOf(event, "ResourceType"),
    status: textOf(event, "ResourceStatus"),
    reason: textOf(event, "ResourceStatusReason"),
  }));
}

/** The newest first. */
export async function listChangeSets(name: string, signal: AbortSignal): Promise<readonly ChangeSet[]> {
  const found = await all("ListChangeSets", "Summaries", { StackName: name }, signal);
  const sets = found.map((summary) => ({
    name: textOf(summary, "ChangeSetName"),
    status: textOf(summary, "Status"),
    executionStatus: textOf(summary, "ExecutionStatus"),
    reason: textOf(summary, "StatusReason"),
    description: textOf(summary, "Description"),
    createdAtMs: timeIn(summary, "CreationTime"),
  }));
  return sets.toSorted((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0));
}

/** `withValues`: with the values of properties, which a read-only login is refused. */
export async function listDifferences(
  stack: string,
  changeSet: string,
  withValues: boolean,
  signal: AbortSignal,
): Promise<readonly ResourceDifference[]> {
  const wanted = {
    StackName: stack,
    ChangeSetName: changeSet,
    ...(withValues ? { IncludePropertyValues: "true" } : {}),
  };
  const changes = await all("DescribeChangeSet", "Changes", wanted, signal);
  return changes.flatMap((change) => {
    const resource = childOf(change, "ResourceChange");
    if (resource === null) return [];
    return [
      {
        action: textOf(resource, "Action"),
        logicalId: textOf(resource, "LogicalResourceId"),
        type: textOf(resource, "ResourceType"),
        replacement: textOf(resource, "Replacement"),
        properties: membersOf(childOf(resource, "Details")).flatMap(differenceOf),
      },
    ];
  });
}

function differenceOf(detail: Element): readonly PropertyDifference[] {
  const target = childOf(detail, "Target");
  if (target === null) return [];
  const named = textOf(target, "Name");
  return [
    {
      path: textOf(target, "Path") || (named === "" ? textOf(target, "Attribute") : named),
      recreates: textOf(target, "RequiresRecreation"),
      before: textOf(target, "BeforeValue"),
      after: textOf(target, "AfterValue"),
    },
  ];
}

async function all(
  action: string,
  list: string,
  given: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly Element[]> {
  const found: Element[] = [];
  let next: Readonly<Record<string, string>> = {};
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await ask(action, { ...given, ...next }, signal);
    found.push(...membersOf(answer.getElementsByTagName(list)[0] ?? null));
    const marker = answer.getElementsByTagName("NextToken")[0]?.textContent ?? "";
    if (marker === "") break;
    next = { NextToken: marker };
  }
  return found;
}

function ask(action: string, given: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Document> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", DOOR);
    request.responseType = "document";
    request.overrideMimeType("text/xml");
    request.setRequestHeader("authorization", `Bearer ${token() ?? ""}`);
    request.setRequestHeader("content-type", "application/x-www-form-urlencoded");
    request.onload = () => {
      const answer = request.responseXML;
      if (answer !== null && request.status < 300) done(answer);
      else fail(new Refused(request.status, messageIn(answer) ?? `The server answered ${request.status}.`));
    };
    request.onerror = () => fail(new Error("The server does not answer."));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(new URLSearchParams({ Action: action, Version: VERSION, ...given }).toString());
  });
}

function messageIn(answer: Document | null): string | null {
  return answer?.getElementsByTagName("Message")[0]?.textContent ?? null;
}

function childOf(element: Element, name: string): Element | null {
  return [...element.children].find(({ localName }) => localName === name) ?? null;
}

function membersOf(list: Element | null): readonly Element[] {
  return list === null ? [] : [...list.children].filter(({ localName }) => localName === "member");
}

function textOf(element: Element, name: string): string {
  return childOf(element, name)?.textContent ?? "";
}

function timeIn(element: Element, name: string): number | null {
  const text = textOf(element, name);
  return text === "" ? null : Date.parse(text);
}

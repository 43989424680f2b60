/**
 * Exports and parameters that a template names and that are not there. CloudFormation would tell the first of the
 * exports only, and of the parameters none before it is in the middle of the deployment.
 */
import { ListExportsCommand } from "@aws-sdk/client-cloudformation";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import type { LocalValues } from "@thaw/template/local-values";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { StackClients } from "../aws-clients.ts";

/** What a deployment asks of other stacks and of SSM, each asked once. */
export interface LookUps {
  /** Sentences about what is not there; `place` is that of the value. */
  missing(value: TemplateValue, place: string): Promise<readonly string[]>;
}

interface Found {
  readonly imports: Map<string, string>;
  readonly references: Map<string, { readonly name: string; readonly place: string }>;
}

/** Those of other services are resolved, or refused, by the stack. */
const REFERENCE = /\{\{resolve:ssm:([^{}]{1,2048})\}\}/g;
const NOT_THERE = new Set(["ParameterNotFound", "ParameterVersionNotFound"]);

export function createLookUps(clients: StackClients, values: LocalValues): LookUps {
  let exported: Promise<ReadonlySet<string>> | null = null;
  return {
    async missing(value, place) {
      const found: Found = { imports: new Map(), references: new Map() };
      look(value, place, values, found);
      const names = found.imports.size === 0 ? new Set<string>() : await (exported ??= exportNames(clients));
      const lost = [...found.imports].filter(([name]) => !names.has(name));
      const unread = await Promise.all(
        [...found.references].map(async ([whole, { name, place: at }]) =>
          (await isReadable(clients, name)) ? [] : [`${at} has ${whole}, and SSM has no such parameter`],
        ),
      );
      return [
        ...lost.map(([name, at]) => `${at} has Fn::ImportValue ${name}, which no stack exports`),
        ...unread.flat(),
      ];
    },
  };
}

/** Looks into what the stack will evaluate: of `Fn::If` only into the branch that is taken. */
function look(value: TemplateValue, place: string, values: LocalValues, found: Found): void {
  if (typeof value === "string") {
    // What Fn::Sub makes of it is known later.
    for (const [whole, name = ""] of value.matchAll(REFERENCE))
      if (!name.includes("$")) found.references.set(whole, { name, place });
  } else if (isTemplateList(value)) {
    for (const [at, each] of value.entries()) look(each, `${place}[${at}]`, values, found);
  } else if (isTemplateMap(value)) lookIntoMap(value, place, values, found);
}

function lookIntoMap(value: TemplateMap, place: string, values: LocalValues, found: Found): void {
  if (!values.isPresent(value)) return;
  const choice = value["Fn::If"];
  if (isTemplateList(choice)) {
    const truth = values.truthOf(String(choice[0]));
    const taken = choice[truth === true ? 1 : 2];
    if (truth !== undefined && taken !== undefined) look(taken, place, values, found);
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === "Fn::ImportValue" && typeof member === "string") found.imports.set(member, place);
    look(member, key.startsWith("Fn::") ? place : `${place}.${key}`, values, found);
  }
}

async function exportNames({ stacks }: StackClients): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  let next: string | undefined;
  do {
    const page = await stacks.send(new ListExportsCommand({ NextToken: next }));
    for (const { Name = "" } of page.Exports ?? []) names.add(Name);
    next = page.NextToken;
  } while (next !== undefined);
  return names;
}

async function isReadable({ ssm }: StackClients, name: string): Promise<boolean> {
  try {
    await ssm.send(new GetParameterCommand({ Name: name }));
    return true;
  } catch (error) {
    if (NOT_THERE.has((error as Error).name)) return false;
    throw error;
  }
}

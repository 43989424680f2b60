/** Event buses and their rules, as the store has them. */

/** The bus that every account has in each Region. Its record is there only where something of it was set. */
export const DEFAULT_BUS = "default";

export interface EventBusRecord {
  /** Its name. */
  readonly id: string;
  readonly description: string | null;
  /** Statements of its policy, as PutPermission wrote them. */
  readonly statements: readonly BusStatement[];
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly lastModifiedMs: number;
}

/** A statement as JSON; nobody but its reader knows what is in it. */
export type BusStatement = Readonly<Record<string, unknown>>;

export interface EventRuleRecord {
  /** BUS/NAME: no bus of an account's own has a slash in its name. */
  readonly id: string;
  readonly bus: string;
  readonly name: string;
  /** Texts as they were given; at least one of both is there. */
  readonly pattern: string | null;
  readonly schedule: string | null;
  readonly isEnabled: boolean;
  readonly description: string | null;
  readonly roleArn: string | null;
  readonly targets: readonly EventTargetRecord[];
  readonly tags: Readonly<Record<string, string>>;
  /** When its schedule was last set or enabled: rates count from here. */
  readonly scheduledFromMs: number;
}

export interface EventTargetRecord {
  readonly id: string;
  readonly arn: string;
  readonly roleArn: string | null;
  readonly input: TargetInput;
  readonly retry: { readonly attempts: number | null; readonly ageS: number | null } | null;
  readonly deadLetterArn: string | null;
}

/** What a target gets of an event. */
export type TargetInput =
  | { readonly kind: "whole" }
  | { readonly kind: "constant"; readonly json: string }
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "template"; readonly paths: Readonly<Record<string, string>>; readonly template: string };

export function ruleId(bus: string, name: string): string {
  return `${bus}/${name}`;
}

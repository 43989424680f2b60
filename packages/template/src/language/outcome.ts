/**
 * What the evaluation of a part of a template gives: a value, nothing (`AWS::NoValue`, an absent part), or UNRESOLVED.
 * An unresolved value is not known here or not known yet; whoever made it so has said why. Nothing is ever made of half
 * a value.
 */
import type { TemplateValue } from "../value.ts";

export const UNRESOLVED = Symbol("unresolved");
export type Unresolved = typeof UNRESOLVED;
export type Outcome = TemplateValue | undefined | Unresolved;

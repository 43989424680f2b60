/**
 * AWS's own transforms of templates, as far as they are programs of AWS. Owned by stacks, implemented in transforms/.
 */
import type { TemplateMap, TemplateValue } from "@thaw/template/value";

export interface TransformRequest {
  /** Parsed, with the sections that the transform reads; of the key `Transform` nothing is read. */
  readonly template: TemplateMap;
  /** Values of the template's parameters, defaults included. Those of lists are lists. */
  readonly parameters: Readonly<Record<string, TemplateValue>>;
  /** The partition follows from it. */
  readonly region: string;
}

export type TransformOutcome =
  | { readonly kind: "transformed"; readonly template: TemplateMap }
  /** The reason, in CloudFormation's words where it has some: `Transform NAME failed with: …`. */
  | { readonly kind: "refused"; readonly message: string };

export interface TemplateTransform {
  /** Never rejects: a transform that can't be run is refused with what to do. */
  transform(request: TransformRequest): Promise<TransformOutcome>;
  /** Ends what runs; requests that wait are refused. */
  close(): void;
}

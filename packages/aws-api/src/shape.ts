/** A shape of AWS's model, as far as it is needed to check, read and write values. */
export interface ShapeMember {
  readonly shape: string;
  readonly location?: string;
  readonly locationName?: string;
  readonly [other: string]: unknown;
}

export interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, ShapeMember>>;
  readonly required?: readonly string[];
  readonly member?: { readonly shape: string; readonly locationName?: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly payload?: string;
  readonly [other: string]: unknown;
}

/** The form of a declared setting. */
import type { ValueType } from "./value-types.ts";

export interface OptionDeclaration<T> {
  /** Key in the configuration file, and the flag without its dashes. */
  readonly name: string;
  /** Placeholder of the flag's value; null: there is no such flag. */
  readonly flag: string | null;
  /** True: the flag may be given several times. */
  readonly isList?: true;
  readonly variable: string;
  /** Variables of AWS's tools that are read when the setting is given nowhere else, the first one that is set. */
  readonly fallbacks?: readonly string[];
  readonly type: ValueType<T>;
  /** Text that is parsed when nothing is given; null: the value is then null. */
  readonly default: string | null;
  /** Text of the help and the reference for a default that is null or depends on the host. */
  readonly defaultText?: string;
  /** MiB, s, …; null: the value has none. */
  readonly unit: string | null;
  /** True: never shown, and not accepted from a file that every user can read. */
  readonly isSecret?: true;
  /**
   * Names what of a text is a secret, null where nothing is: then it is not accepted from the command line, which every
   * user of the host can read, nor from such a file.
   */
  readonly secretIn?: (text: string) => string | null;
  /** Sentence of the help and the reference, without its full stop. */
  readonly help: string;
}

/** A setting without a default: null when it is given nowhere. */
type Optional<T> = OptionDeclaration<T> & { readonly default: null };
type Defaulted<T> = OptionDeclaration<T> & { readonly default: string };

export function optional<T>(declaration: Omit<OptionDeclaration<T>, "default">): Optional<T> {
  return { ...declaration, default: null };
}

export function defaulted<T>(declaration: Defaulted<T>): Defaulted<T> {
  return declaration;
}

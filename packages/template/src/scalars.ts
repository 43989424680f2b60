/**
 * Plain scalars as CloudFormation reads them: YAML 1.1 without timestamps, and without the letters y and n as truth
 * values. A value whose text would change goes into a text property as CloudFormation writes it: `0755` is 493, `1.10`
 * is 1.1, `yes` is true. Digits that fit no number of YAML 1.1 (`012345678901`, an account id) stay as they are.
 *
 * Sources: AWS's guide of template formats (YAML 1.1), and what was measured with the service: `0300` arrives as 192.
 */
import type { ScalarTag } from "yaml";
import type { Scalar } from "./value.ts";

const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const NULL = /^(?:~|null|Null|NULL)?$/;
const BINARY = /^[-+]?0b[01_]+$/;
const OCTAL = /^[-+]?0[0-7_]+$/;
const DECIMAL = /^[-+]?(?:0|[1-9][0-9_]*)$/;
const HEXADECIMAL = /^[-+]?0x[0-9a-fA-F_]+$/;
const SEXAGESIMAL = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/;
const FLOAT = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$/;

/** Digits that YAML 1.1 takes for no number and many readers take for one. */
const ODD_NUMBER = /^(?:0[0-9]+|[0-9]+[eE][-+]?[0-9]+)$/;

/** Reads a plain scalar; null: YAML's null. */
export function readScalar(source: string): Scalar | null {
  if (NULL.test(source)) return null;
  if (TRUE.test(source)) return true;
  if (FALSE.test(source)) return false;
  if (FLOAT.test(source)) return exactOrText(Number(source.replaceAll("_", "")), floatText(source));
  const whole = readWhole(source);
  return whole === null ? source : exactOrText(Number(whole), String(whole));
}

/** Says what becomes of a plain scalar in a text property; null where it stays as it is written. */
export function changedText(source: string): string | null {
  const read = readScalar(source);
  if (read === null) return null;
  if (typeof read === "string" && ODD_NUMBER.test(source)) return source;
  return String(read) === source ? null : String(read);
}

function readWhole(source: string): bigint | null {
  const digits = source.replaceAll("_", "").replace(/^[-+]/, "");
  const sign = source.startsWith("-") ? -1n : 1n;
  if (BINARY.test(source) && digits.length > 2) return sign * BigInt(digits);
  if (OCTAL.test(source) && digits.length > 1) return sign * BigInt(`0o${digits.slice(1)}`);
  if (DECIMAL.test(source)) return sign * BigInt(digits);
  if (HEXADECIMAL.test(source) && digits.length > 2) return sign * BigInt(digits);
  if (SEXAGESIMAL.test(source)) return sign * digits.split(":").reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  return null;
}

/** A number where JavaScript writes it in the same way, else its text. */
function exactOrText(value: number, text: string): Scalar {
  return String(value) === text ? value : text;
}

/** As Java and Python write a floating-point number: always with a fraction. */
function floatText(source: string): string {
  const text = String(Number(source.replaceAll("_", "")));
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}

const READ = { resolve: (text: string) => readScalar(text) };

/** Tags of scalars for a document of the schema `failsafe`; the first takes each plain scalar without a tag. */
export const SCALAR_TAGS: readonly ScalarTag[] = [
  { tag: "tag:yaml.org,2002:int", default: true, test: /^/, ...READ },
  { tag: "tag:yaml.org,2002:float", ...READ },
  { tag: "tag:yaml.org,2002:bool", ...READ },
  { tag: "tag:yaml.org,2002:null", ...READ },
];

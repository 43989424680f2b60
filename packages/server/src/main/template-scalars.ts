/**
 * Scalars as a template has them, made what the model says: `"128"` a number where one is asked for, `true` a text. A
 * value that can't be made so is left, for the check of the model to refuse.
 */
import { isMap } from "@thaw/installation/json-map";
import type { ServiceModel } from "@thaw/aws-api";

type Shapes = ServiceModel["shapes"];

export function withModelScalars(shapes: Shapes, name: string, value: unknown): unknown {
  const shape = shapes[name];
  if (shape === undefined || value === null || value === undefined) return value;
  switch (shape.type) {
    case "structure":
      return mapEntries(value, (key) => shape.members?.[key]?.shape, shapes);
    case "map":
      return mapEntries(value, () => shape.value?.shape, shapes);
    case "list": {
      const item = shape.member?.shape;
      if (!Array.isArray(value) || item === undefined) return value;
      return value.map((each) => withModelScalars(shapes, item, each));
    }
    case "string":
      return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    case "boolean":
      return value === "true" ? true : value === "false" ? false : value;
    case "integer":
    case "long":
    case "float":
    case "double":
      return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
    default:
      return value;
  }
}

function mapEntries(value: unknown, shapeOf: (key: string) => string | undefined, shapes: Shapes): unknown {
  if (!isPlainMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const name = shapeOf(key);
      return [key, name === undefined ? each : withModelScalars(shapes, name, each)];
    }),
  );
}

function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return isMap(value) && !(value instanceof Uint8Array) && !(value instanceof Date);
}

/** Values of the model's scalar shapes out of text. */
import type { Shape } from "../shape.ts";
import { SerializationError } from "../validate.ts";

/** Throws SerializationError for a text that says no value of the shape. */
export function readScalar(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case "integer":
    case "long":
    case "double":
    case "float": {
      const value = Number(text);
      if (text.trim() === "" || Number.isNaN(value)) throw new SerializationError(`'${text}' is no number`);
      return value;
    }
    case "boolean":
      return text === "true";
    case "timestamp": {
      const value = new Date(text);
      if (Number.isNaN(value.getTime())) throw new SerializationError(`'${text}' is no time`);
      return value;
    }
    case "blob":
      return Buffer.from(text, "base64");
    default:
      return text;
  }
}

import { Tracer } from "./tracer.mjs";

const tracer = new Tracer("orders");

export async function handler(event) {
  return tracer.tag(event);
}

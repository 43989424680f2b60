import { randomUUID } from "node:crypto";

export class Tracer {
  #service;

  constructor(service) {
    this.#service = service;
  }

  tag(event) {
    return { ...event, service: this.#service, instance: randomUUID() };
  }
}

/** What a scope holds, for operators who want its account gone. */
import { LATEST } from "../../model/function-record.ts";
import type { ControlServices } from "../services.ts";

export class ScopeContents {
  readonly #services: Pick<ControlServices, "store">;

  constructor(services: Pick<ControlServices, "store">) {
    this.#services = services;
  }

  /** Says in words what is there; null: nothing that would go on by itself, or that others may have. */
  async describe(): Promise<string | null> {
    const { store } = this.#services;
    const functions = (await store.listAllVersions()).filter(({ version }) => version === LATEST).length;
    const layers = (await store.listAccountEntries("layerVersion")).length;
    if (functions === 0 && layers === 0) return null;
    return `${functions} functions and ${layers} versions of layers`;
  }
}

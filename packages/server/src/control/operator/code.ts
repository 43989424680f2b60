/** Deployment packages, for those who have a link to one. */
import { notFound } from "../../model/api-error.ts";
import type { ControlServices } from "../services.ts";

const CODE_NAME = /^code-[0-9a-f]{40}$/;

export class CodeReader {
  readonly #services: Pick<ControlServices, "code">;

  constructor(services: Pick<ControlServices, "code">) {
    this.#services = services;
  }

  /** Reads a package. Throws ResourceNotFoundException where there is no such one. */
  async readZip(codeName: string): Promise<Buffer> {
    const zip = CODE_NAME.test(codeName) ? await this.#services.code.readZip(codeName) : null;
    if (zip === null) throw notFound(`Code not found: ${codeName}`);
    return zip;
  }
}

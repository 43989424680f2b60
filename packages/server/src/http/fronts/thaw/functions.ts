/** check, objects/BUCKET/KEY, code/NAME */
import type { Handlers, ScopedServices } from "./handlers.ts";

type FunctionRoute = "checkFunction" | "putObject" | "readObject" | "readCode";

/** Two are enough to see what is equal. */
const CHECK_CLONES = 2;

/** Makes the handlers of the routes about checks, objects and code. */
export function functionHandlers({ control }: ScopedServices): Handlers<FunctionRoute> {
  return {
    checkFunction: ({ body }) =>
      control.checks.check({
        function: body.function,
        event: body.event ?? "{}",
        clones: body.clones ?? CHECK_CLONES,
      }),
    putObject: ({ parameters, content }) => control.objects.put(parameters.bucket, parameters.key, content),
    async readObject({ parameters }) {
      const bytes = await control.objects.readSmall(parameters.bucket, parameters.key);
      return { contentType: "application/octet-stream", bytes };
    },
    async readCode({ parameters }) {
      return { contentType: "application/zip", bytes: await control.code.readZip(parameters.name) };
    },
  };
}

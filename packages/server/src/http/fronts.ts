/** The APIs on the listener: chosen by the path for Thaw's own, by the service in the signature's scope for AWS's. */
import { LAMBDA } from "@thaw/aws-api";
import { PREFIX } from "@thaw/thaw-api";
import type { ControlPlane } from "../control/control-plane.ts";
import type { Front } from "./fronts/front.ts";
import { createLambdaFront } from "./fronts/lambda-front.ts";
import { createThawFront, isPublic, type OnProblem } from "./fronts/thaw/front.ts";
import type { ThawApiServices } from "./fronts/thaw/handlers.ts";

export interface FrontChoice {
  /** Services whose signatures are accepted for this path. */
  readonly services: readonly string[];
  /** True where no signature is asked for. */
  readonly isPublic: boolean;
  /** The front of a signature's service, or of a public path. */
  of(service: string): Front;
}

export type ChooseFront = (method: string, path: string) => FrontChoice;

/** Creates all fronts and the choice between them. */
export function createFronts(
  services: ThawApiServices & { readonly control: ControlPlane },
  onProblem: OnProblem,
): ChooseFront {
  const thaw = createThawFront(services, onProblem);
  /** Thaw's own API is signed as the service that its clients know. */
  const ownServices = [LAMBDA.scope];
  const byService: Readonly<Record<string, Front>> = {
    [LAMBDA.scope]: createLambdaFront({ control: services.control, onProblem }),
  };
  return (method, path) => {
    if (path.startsWith(PREFIX)) return { services: ownServices, isPublic: isPublic(method, path), of: () => thaw };
    return {
      services: Object.keys(byService),
      isPublic: false,
      of(service) {
        const front = byService[service];
        if (front === undefined) throw new Error(`no front of ${service}, whose signature was accepted`);
        return front;
      },
    };
  };
}

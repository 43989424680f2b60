/**
 * The metadata endpoint, by which a function finds out in which Availability Zone it runs.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-metadata-endpoint.html
 */
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { JSON_HEADERS, TEXT_HEADERS } from "./answers.ts";

export interface MetadataOptions {
  /** The token that the caller must send. */
  readonly metadataToken: string;
  readonly region: string;
  /** True in an environment of which a snapshot will be taken. */
  readonly isBeforeSnapshot: boolean;
}

const CACHE_CONTROL = "private, max-age=43200, immutable";
/** Clones may run on other hosts. How much shorter AWS's time is before a snapshot is not documented. */
const CACHE_CONTROL_BEFORE_SNAPSHOT = "private, max-age=1";

/** Directions in names of Regions, as AWS shortens them in ids of zones; the two-part ones come first. */
const DIRECTIONS = /(north|south)(east|west)|north|south|east|west|central/g;

export function answerMetadata(call: RuntimeCall, options: MetadataOptions): void {
  call.body.cancel();
  if (call.headers.get("authorization") !== `Bearer ${options.metadataToken}`)
    return call.respond(401, TEXT_HEADERS, "Unauthorized\n");
  const headers = {
    ...JSON_HEADERS,
    "Cache-Control": options.isBeforeSnapshot ? CACHE_CONTROL_BEFORE_SNAPSHOT : CACHE_CONTROL,
  };
  call.respond(200, headers, JSON.stringify({ AvailabilityZoneID: zoneIdOf(options.region) }));
}

/** Returns the id of a Region's first zone: `use1-az1`, `apse2-az1`. This host is one zone. */
export function zoneIdOf(region: string): string {
  const short = region.replace(DIRECTIONS, (direction, first?: string, second?: string) =>
    first === undefined ? direction.slice(0, 1) : `${first.slice(0, 1)}${(second ?? "").slice(0, 1)}`,
  );
  return `${short.replace("gov", "g").replaceAll("-", "")}-az1`;
}

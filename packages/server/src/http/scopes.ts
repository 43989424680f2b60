/** The accounts and Regions that the listener serves, each with a control plane of its own. */
import type { AwsService } from "../aws/aws-service.ts";
import type { S3Service } from "../aws/s3/create-s3.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import type { AccountScope } from "../model/function-name.ts";

/** What serves the requests of one account in one Region. */
export interface ServedScope {
  readonly control: ControlPlane;
  /** Services of AWS other than Lambda; the same ones for each scope. */
  readonly awsServices: readonly AwsService[];
  readonly s3: S3Service;
}

/**
 * Kinds of ids that host names begin with, those of function URLs, HTTP APIs and REST APIs, and those of subscriptions,
 * which end paths.
 */
export type HostedKind = "urlId" | "httpApi" | "restApi" | "topicSubscription";

export interface Scopes {
  /** The one that the installation had before any other. */
  readonly home: ServedScope;
  /** Regions in which there can be functions. */
  readonly regions: readonly string[];
  /** Opens it where it is not open yet. Its account and its Region must be there. */
  of(scope: AccountScope): Promise<ServedScope>;
  /** Null where there is no such account, or it has nothing in this Region. */
  find(scope: AccountScope): Promise<ServedScope | null>;
  /** The one that has this id; null where none has. Costs the same however many there are. */
  hosting(kind: HostedKind, id: string): ServedScope | null;
  /** Those that are open: all that have something, from the start on. */
  all(): readonly ServedScope[];
  /** Removes all that an account has, in all Regions. Its keys must be gone. */
  remove(accountId: string): Promise<void>;
}

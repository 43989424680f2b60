/** The services that the use cases need. Built once, in main. */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { LayerVersionRecord } from "../model/layer-record.ts";
import type { PlatformCode } from "../model/platform-errors.ts";
import type { CodeStore } from "../ports/code-store.ts";
import type { Destinations } from "../ports/destinations.ts";
import type { EventSources } from "../ports/event-sources.ts";
import type { ImageSource } from "../ports/image-source.ts";
import type { InvocationHistory } from "../ports/invocation-history.ts";
import type { KeyAdmin } from "../ports/key-admin.ts";
import type { LogGroups } from "../ports/log-groups.ts";
import type { LogStore } from "../ports/log-store.ts";
import type { MetadataStore } from "../ports/metadata-store.ts";
import type { PassedServices } from "../ports/passed-services.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { PrimeFiles } from "../ports/prime-source.ts";
import type { AsyncReport, EventSourceReport } from "../ports/reports.ts";
import type { SnapshotReader } from "../ports/snapshot-reader.ts";
import type { TokenIssuers } from "../ports/token-issuers.ts";
import type { Worker } from "../ports/worker.ts";
import type { ControlLimits } from "./limits.ts";
import type { Changes } from "./records/changes.ts";

/** The services that the use cases have: those that main gives, and the control plane's own way to write. */
export interface ControlParts extends ControlServices {
  readonly changes: Changes;
}

export interface UidSource {
  /** As `nextUid` of the store, over the functions of all scopes. */
  next(living: ReadonlySet<number>): Promise<number | null>;
}

export interface ControlServices {
  readonly scope: AccountScope;
  /** Parity with AWS; strict: requests that AWS refuses are refused, in AWS's words. */
  readonly parity: "extended" | "strict";
  /** Of the organization that all accounts are in; left out or null: none. */
  readonly organizationId?: string | null;
  readonly store: MetadataStore;
  /**
   * Finds a version of a layer that another account has shared with this one. Null where it is not there or not shared.
   */
  readonly sharedLayer: (owner: AccountScope, name: string, version: number) => Promise<LayerVersionRecord | null>;
  /** Users of functions. No two functions of the installation have one. */
  readonly uids: UidSource;
  readonly code: CodeStore;
  /** Prime events that are in the code. */
  readonly primes: PrimeFiles;
  readonly objects: ObjectStore;
  readonly images: ImageSource;
  readonly logs: LogStore & Pick<LogGroups, "readEvents">;
  readonly worker: Worker;
  readonly history: InvocationHistory;
  /** Reader of snapshots; null where the engine takes none. */
  readonly snapshotReader: SnapshotReader | null;
  readonly keys: KeyAdmin;
  /** Queues, topics, buses and buckets that take results of asynchronous invokes. */
  readonly destinations: Destinations;
  /** Those whose tokens JWT authorizers take. */
  readonly issuers: TokenIssuers;
  /** Services that Thaw has not; an account that may use none gets NO_PASSED_SERVICES. */
  readonly passed: Pick<PassedServices, "hasEndpoint" | "call">;
  /** Queues and streams that event source mappings read. */
  readonly eventSources: EventSources;
  /**
   * Whether mappings may read what other accounts have at the endpoints: the operator's credentials would let all.
   */
  readonly readsOtherAccounts: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: ControlLimits;
  /** ARNs of access points that are mapped to directories of the host. */
  readonly accessPoints: ReadonlySet<string>;
  /** Free bytes on the disk that holds the data directory. */
  readonly freeDiskBytes: () => number;
  /**
   * Hears of each snapshot that could not be used, so that its version is initialised again. It is never silent, so
   * that it can be counted.
   */
  readonly onFallback: (functionName: string, version: string, code: PlatformCode) => void;
  /** Hears of what becomes of asynchronous invokes, so that it can be counted. */
  readonly onAsync: (report: AsyncReport) => void;
  /** Hears of what event source mappings read, so that it can be counted. */
  readonly onEventSource: (report: EventSourceReport) => void;
  /** Tells operators of an error that has no caller to be told. */
  readonly onProblem: (what: string, error: unknown) => void;
}

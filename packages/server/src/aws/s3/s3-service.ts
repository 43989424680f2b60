/** The part of S3 that Lambda and the tools that deploy to it need, over the store of objects. */
import type { OperationName, OperationTypes } from "@thaw/aws-api/s3";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { BucketTargets } from "../../ports/bucket-targets.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

export interface S3Parts {
  readonly objects: ObjectStore;
  readonly targets: BucketTargets;
  readonly clock: Clock;
  readonly random: Random;
}

/** A request, beside its input. */
export interface S3Call {
  readonly accountId: string;
  readonly region: string;
  readonly requestId: string;
  /** UserId of who signed it. */
  readonly userId: string;
  readonly sourceIp: string;
  /** The content of an operation whose body is a stream, without its encoding. Read once. */
  readonly content: AsyncIterable<Buffer>;
  /** What followed the content, once it has been read: trailers, by names in lower case. */
  trailers(): Readonly<Record<string, string>>;
  /** A header that S3's model does not have; empty where there is none. */
  header(name: string): string;
  /** The address of what the request is for, as the client wrote it. */
  readonly url: string;
}

/** An input whose body is a stream does not have it as a member. */
export type S3Input<O extends OperationName> = Omit<OperationTypes[O]["input"], "Body">;
type Output<O extends OperationName> = OperationTypes[O]["output"];
/** A member without a value is not sent. */
export type S3Output<O extends OperationName> = {
  readonly [K in Exclude<keyof Output<O>, "Body">]?: Output<O>[K] | undefined;
} & {
  readonly Body?: unknown;
  /** Of an answer that has part of an object. */
  readonly status?: number;
};

/** Operations by name. Each throws a ServiceError where a request is refused. */
export type S3Operations = {
  readonly [O in OperationName]?: (input: S3Input<O>, call: S3Call) => Promise<S3Output<O>>;
};

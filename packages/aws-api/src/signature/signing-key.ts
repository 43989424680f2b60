/** Keys that signatures are made with, each derived of a secret for one day, Region and service. */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Scope } from "./canonical.ts";

/** More than clients use at a time. An entry has some 300 bytes. */
const KEPT_MAX = 256;

/** By scope and secret, the one that was not used for longest first. */
const kept = new Map<string, KeyObject>();

/**
 * Derives the key of a scope, once: the derivation costs 60 µs, more than all else of a signature. It is asked for only
 * with secrets that this process has anyway.
 */
export function signingKey(scope: Scope, secret: string): KeyObject {
  // No part of a scope that is asked for has a NUL: its values are compared with those that there are.
  const name = [scope.date, scope.region, scope.service, scope.terminator, secret].join("\0");
  const key = kept.get(name) ?? derive(scope, secret);
  kept.delete(name);
  kept.set(name, key);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  return key;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function derive({ date, region, service, terminator }: Scope, secret: string): KeyObject {
  let key = createSecretKey(`AWS4${secret}`, "utf8");
  for (const part of [date, region, service, terminator])
    key = createSecretKey(createHmac("sha256", key).update(part).digest());
  return key;
}

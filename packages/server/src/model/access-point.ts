/** Cuts `fsap-…` out of an access point's ARN: its name to sandboxd. */
export function accessPointOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

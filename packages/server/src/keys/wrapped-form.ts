/** How a wrapped key says who made it. A module of its own: the client of KMS is loaded only where it is used. */
export const KMS_PREFIX = "kms:";

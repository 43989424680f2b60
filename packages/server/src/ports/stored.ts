/** What all records of a store have, and what becomes of a commit. */

/** The store's own number of a record's last write, never given to another one. AWS's RevisionId is another thing. */
export type Revision = number;

export type Stored<T> = T & { readonly revision: Revision };

/** changed: a record was not as a write expects it, and nothing was written. */
export type Committed = "done" | "changed";

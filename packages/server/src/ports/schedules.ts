/** The schedules of one account in one Region, as what writes them sees them. Owned by aws/; control/ has it. */
export interface Schedules {
  /** Hears that schedules were written, by their keys: their times are read anew. */
  schedulesChanged(ids: readonly string[]): void;
}

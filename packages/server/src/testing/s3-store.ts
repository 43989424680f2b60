export { createS3Store } from "../snapshot-stores/s3-store.ts";

export { issueCertificate, type KeyedCertificate, makeAuthority } from "../base/certificates.ts";
export { CONTROL_NAME, workerName } from "../model/cluster-names.ts";
export { NEWS_WAIT_MS, PROTOCOL, PROTOCOL_HEADER } from "../remote-worker/protocol.ts";
export { RemoteWorker } from "../remote-worker/remote-worker.ts";
export type { NewsTaker } from "../remote-worker/news-reader.ts";
export { createWorkerContents } from "../store/worker-contents.ts";
export { WorkerListener } from "../remote-worker/worker-listener.ts";
export { WorkerNews } from "../remote-worker/worker-news.ts";

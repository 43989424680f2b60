export { issueCertificate, type KeyedCertificate, makeAuthority } from "../base/certificates.ts";
export { CONTROL_NAME, PROTOCOL, PROTOCOL_HEADER, workerName } from "../remote-worker/protocol.ts";
export { RemoteWorker } from "../remote-worker/remote-worker.ts";
export { WorkerListener } from "../remote-worker/worker-listener.ts";

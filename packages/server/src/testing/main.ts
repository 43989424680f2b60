export { openAccounts } from "../accounts/account-file.ts";
export { FunctionCredentialSource } from "../accounts/function-credentials.ts";
export { InstalledScopes } from "../main/scopes.ts";
export { placeOfScope } from "../main/scope-directories.ts";
export { SharedWorker } from "../worker/shared-worker.ts";

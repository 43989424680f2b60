export { openAccounts } from "../accounts/account-file.ts";
export { SessionCredentialSource } from "../accounts/session-credentials.ts";
export { InstalledScopes } from "../main/scopes.ts";
export { placeOfScope } from "../main/scope-directories.ts";
export { SharedWorker } from "../worker/shared-worker.ts";
export { createScopeServices } from "../main/scope-services.ts";
export { CallError } from "../ports/service-calls.ts";
export { openConsoleLogins } from "../accounts/console-logins.ts";

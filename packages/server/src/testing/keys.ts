export { Keyring } from "../keys/keyring.ts";

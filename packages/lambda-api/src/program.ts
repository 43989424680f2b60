/** How the person at the terminal calls this program: messages that say what to do name it so. An installed package sets THAW_PROGRAM. */
const installed = process.env["THAW_PROGRAM"];

export const PROGRAM = installed ?? "npx thaw";
/** Brings what is built: CRIU, sandboxd, clients, scanners. */
export const SETUP = installed === undefined ? "npm run setup (as root)" : "apt-get install --reinstall thaw";

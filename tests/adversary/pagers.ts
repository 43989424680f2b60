/** Pagers that do not do what they should, as programs in the place of thaw-pager: descriptor 3 is sandboxd, 4 the chunks. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const HEAD = `#!/usr/bin/python3
import json, os, socket, subprocess, sys, time
control = socket.socket(fileno=3)

def commands():
    while True:
        data, fds, _, _ = socket.recv_fds(control, 65536, 16)
        if not data:
            sys.exit(0)
        yield json.loads(data), data, fds

def say(event, fds=()):
    socket.send_fds(control, [event if isinstance(event, bytes) else json.dumps(event).encode()], list(fds))

def is_ping(command):
    return command == "Ping"
`;

const BODIES = {
  /** Ends at once. */
  dead: "sys.exit(1)\n",
  /** Never reads. */
  deaf: "time.sleep(1000)\n",
  /** Answers pings, takes sessions, and gives no page. */
  idle: "kept = []\nfor command, data, fds in commands():\n    kept.append(fds)\n    if is_ping(command): say('Pong')\n",
  /** Words that are no message. */
  babbling: "for command, data, fds in commands():\n    say(b'\\xff\\x00 what?')\n",
  /** Messages about sessions and chunks that nobody has asked for. */
  lying: `for command, data, fds in commands():
    say({"Completed": {"session": "nobody", "is_ok": True}})
    say({"Failed": {"session": "nobody", "message": "no", "is_damaged": True}})
    say({"Want": {"chunk": "../../etc/passwd", "is_damaged": True}})
    if is_ping(command): say('Pong')
    for fd in fds: os.close(fd)
`,
  /** Hangs up on every clone. */
  refusing: `for command, data, fds in commands():
    if is_ping(command): say('Pong')
    for fd in fds: os.close(fd)
`,
  /** A good one behind it, but every event comes twice. */
  twice: `ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
real = os.environ.get("REAL") or sys.argv[0] + ".real"
chunks = os.dup(4)
if os.fork() == 0:
    fd = os.dup(theirs.fileno())
    high = os.dup(fd); chunks = os.dup(chunks)
    os.dup2(high, 3); os.dup2(chunks, 4)
    os.closerange(5, 100)
    os.execv(real, [real, *sys.argv[1:]])
theirs.close()
import select
while True:
    ready, _, _ = select.select([control, ours], [], [])
    for one in ready:
        data, fds, _, _ = socket.recv_fds(one, 65536, 16)
        if not data: sys.exit(0)
        for _ in range(2 if one is ours else 1):
            socket.send_fds(ours if one is control else control, [data], fds)
        for fd in fds: os.close(fd)
`,
} as const;

export type BadPager = keyof typeof BODIES;
export const BAD_PAGERS = Object.keys(BODIES) as readonly BadPager[];

/** Path of the program. `real`: the good one. */
export function writePager(dir: string, kind: BadPager, real: string): string {
  const path = join(dir, `pager-${kind}`);
  writeFileSync(path, HEAD + BODIES[kind].replace('os.environ.get("REAL") or sys.argv[0] + ".real"', JSON.stringify(real)), { mode: 0o755 });
  return path;
}

# shellcheck shell=sh
# Sourced by the scripts here.
THAW_HOME=${THAW_HOME:-/var/lib/thaw}
export THAW_HOME
PATH="$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin"
export PATH

say() { printf '\033[1mthaw\033[0m %s\n' "$*" >&2; }
step() { say "… $*"; }
die() { printf 'thaw: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Quiet while it works, everything where it fails.
run() {
  _log=$(mktemp)
  if "$@" >"$_log" 2>&1 </dev/null; then
    rm -f "$_log"
  else
    tail -n 60 "$_log" >&2
    rm -f "$_log"
    die "failed: $*"
  fi
}

# digest FILE…: one short name for the content of some files
digest() { cat "$@" | sha256sum | cut -c 1-16; }

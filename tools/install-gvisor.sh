#!/bin/sh
# gVisor's program runsc, in $THAW_HOME/engines/gvisor, built by Go of the modules whose digests are in
# tools/gvisor/go.sum. `thaw engines install gvisor` calls it. Nothing but the program stays: Go's caches lie beside it
# while it is built. A set GOMODCACHE is used as it is, and GOPROXY and the like are Go's own settings.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

target=$THAW_HOME/engines/gvisor
# The same digest as in packages/installation/src/engines.ts.
recipe=$(digest tools/gvisor/go.mod tools/gvisor/go.sum tools/gvisor/pin.go tools/install-gvisor.sh)
is_installed() { [ "$(cat "$target/.recipe" 2>/dev/null)" = "$recipe" ]; }
if is_installed; then exit 0; fi

# No other Go than the host's: one that Go fetched for itself would be in no go.sum.
export GOTOOLCHAIN=local
wanted=$(sed -n 's/^go //p' tools/gvisor/go.mod)
has go || die "Go $wanted or newer is needed to build gVisor, and PATH has no go: get it from go.dev/dl, or the golang package where the distribution's is new enough"
found=$(go env GOVERSION)
is_new_enough() {
  case $found in
    go[0-9]*) [ "$(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" = "$wanted" ] ;;
    *) false ;;
  esac
}
is_new_enough ||
  die "Go $wanted or newer is needed to build gVisor, and $(command -v go) is ${found#go}: get a newer one from go.dev/dl, and name it first in PATH"
[ "$(id -u)" = 0 ] || die "Installing gVisor needs root."

mkdir -p "$THAW_HOME/engines"
# Of several calls one builds it, and the others find it. The lock goes with the last process that has it.
if has flock; then
  exec 9>"$THAW_HOME/engines/.gvisor.lock"
  flock 9
  if is_installed; then exit 0; fi
fi
new=$target.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/work"
version=$(sed -n 's,^require gvisor.dev/gvisor ,,p' tools/gvisor/go.mod)
step "gVisor $version (Go: some 2.5 minutes of a processor)"
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly
export GOCACHE="$new/work/cache" GOTMPDIR="$new/work" GOMODCACHE="${GOMODCACHE:-$new/work/modules}"
run go -C tools/gvisor build -trimpath -buildvcs=false -o "$new/runsc" \
  -ldflags "-s -w -X gvisor.dev/gvisor/runsc/version.version=$version" gvisor.dev/gvisor/runsc
# A program that doesn't start on this host would be found when a function runs.
run "$new/runsc" --version
rm -rf "$new/work"
echo "$recipe" > "$new/.recipe"
rm -rf "$target"
mv "$new" "$target"
say "gVisor $version is installed"

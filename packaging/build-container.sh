#!/bin/sh
# packaging/build-container.sh CONTEXT [RUNTIME…]: the context of packaging/Containerfile, a new directory with a Debian
# root file system in which the package is installed, and languages for functions with it (nodejs24 where none is
# named). Root, after npm run setup; needs mmdebstrap. Prints the command that makes the image of it.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh
context=${1:?usage: packaging/build-container.sh CONTEXT [RUNTIME...]}
shift
[ $# -gt 0 ] || set -- nodejs24
[ "$(id -u)" = 0 ] || die "Making a root file system needs root."
has mmdebstrap || die "mmdebstrap is needed to make a root file system: apt-get install mmdebstrap"
[ ! -e "$context" ] || die "$context is there already: the context is a new directory"
mkdir -p "$context"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

step "Package"
package=$(sh packaging/build-deb.sh "$place")
step "Languages: $*"
for name; do
  THAW_HOME=$place/home sh tools/install-runtime.sh "$name"
done
step "Debian with the package (a few minutes)"
# shellcheck disable=SC2016 # mmdebstrap gives the hooks their $1
run mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include=ca-certificates \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="cp '$package' \"\$1/tmp/thaw.deb\"" \
  --customize-hook='chroot "$1" apt-get install -y --no-install-recommends /tmp/thaw.deb' \
  --customize-hook="mkdir -p \"\$1/var/lib/thaw\" && cp -a '$place/home/runtimes' \"\$1/var/lib/thaw/\"" \
  --customize-hook='rm -rf "$1"/tmp/thaw.deb "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
  bookworm "$context/rootfs.tar" http://deb.debian.org/debian
cp packaging/Containerfile "$context/Containerfile"
say "docker build -f $context/Containerfile -t thaw $context"

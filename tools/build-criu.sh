#!/bin/sh
# CRIU 4.2.1 from Debian's source package, linked statically, so that sandboxd can run it inside any root file system.
# Older ones fail on today's kernels (docs/design/0002-criu.md). Result: $THAW_HOME/criu/VERSION-DIGEST/criu, and a link
# to it.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

VERSION=4.2.1
SHA256=29ec0ee09e296479fe7048c80980e8ef1d0684d0b0204c2b101dfea19f6725b9
patches=$(find patches/criu -name '*.patch' 2>/dev/null | sort)
# shellcheck disable=SC2086
recipe=$(digest tools/build-criu.sh $patches)
target="$THAW_HOME/criu/$VERSION-$recipe"

if [ ! -x "$target/criu" ]; then
  [ "$(id -u)" = 0 ] || die "CRIU is not built yet; run the set-up once as root."
  step "CRIU $VERSION from source (about a minute)"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/sources" "$work/lists/partial" "$work/src"
  cat > "$work/sources/sid.sources" <<SOURCES
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: sid
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  options="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$work/sources -o Dir::State::lists=$work/lists -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root"
  # shellcheck disable=SC2086
  run apt-get $options update
  # The packaging files may be gone from a mirror; only the upstream archive is needed. Its digest is checked below: the
  # lists of packages may be older than they say they may be.
  # shellcheck disable=SC2086
  (cd "$work/src" && apt-get $options source --download-only "criu=$VERSION-1" || apt-get $options source --download-only criu) >"$work/download.log" 2>&1 </dev/null || true
  [ -f "$work/src/criu_$VERSION.orig.tar.xz" ] || { cat "$work/download.log" >&2; die "Debian's source of CRIU $VERSION could not be fetched."; }
  echo "$SHA256  $work/src/criu_$VERSION.orig.tar.xz" | sha256sum --check --status ||
    die "Debian's source of CRIU $VERSION is not the one that this script knows."
  tar -xf "$work/src/criu_$VERSION.orig.tar.xz" -C "$work"
  source=$(find "$work" -maxdepth 1 -type d -name 'criu-*')
  cd "$source"
  for patch in $patches; do run patch -p1 -i "$OLDPWD/$patch"; done
  run make -j2 NO_GNUTLS=1 criu/criu
  rm criu/criu
  run make NO_GNUTLS=1 GMONLDOPT="-static -lbsd -lmd -lpthread" criu/criu
  strip criu/criu
  cd "$OLDPWD"
  mkdir -p "$target"
  install -m 755 "$source/criu/criu" "$target/criu.new"
  mv "$target/criu.new" "$target/criu"
fi
if [ "$(readlink "$THAW_HOME/criu/criu" 2>/dev/null)" != "$target/criu" ] && [ -w "$THAW_HOME/criu" ]; then
  ln -sfn "$target/criu" "$THAW_HOME/criu/.criu" && mv -T "$THAW_HOME/criu/.criu" "$THAW_HOME/criu/criu"
fi

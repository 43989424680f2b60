#!/bin/sh
# Servers that the tests use, in .thaw/test-stores: one with S3's API, built with Go, and a registry of container images
# out of Debian's package. Without them those tests are skipped and say so.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

target=$PWD/.thaw/test-stores
mkdir -p "$target"

build_versitygw() {
  version=v1.8.0
  [ "$(cat "$target/.versitygw" 2>/dev/null)" = "$version" ] && return
  if ! has go; then
    say "no Go here: the tests with an S3 server are skipped (they need Go 1.24 or newer)"
    return
  fi
  step "versitygw $version for the tests (Go)"
  if GOBIN="$target" go install "github.com/versity/versitygw/cmd/versitygw@$version" > "$target/build.log" 2>&1; then
    echo "$version" > "$target/.versitygw"
  else
    tail -n 5 "$target/build.log" >&2
    say "versitygw could not be built: the tests with an S3 server are skipped"
  fi
}

# Only its program: an installed package would be a service on port 5000 of this machine.
fetch_registry() {
  [ -x "$target/docker-registry" ] && return
  if ! has apt-get; then
    say "no apt here: the tests with a registry of images are skipped"
    return
  fi
  step "docker-registry for the tests (Debian)"
  work=$(mktemp -d)
  if (cd "$work" && apt-get -o APT::Sandbox::User=root download docker-registry &&
    dpkg-deb -x docker-registry_*.deb .) > "$target/registry.log" 2>&1; then
    mv "$work/usr/bin/docker-registry" "$target/docker-registry"
  else
    tail -n 5 "$target/registry.log" >&2
    say "docker-registry could not be fetched: the tests with a registry of images are skipped"
  fi
  rm -rf "$work"
}

build_versitygw
fetch_registry

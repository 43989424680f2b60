#!/bin/sh
# What the tests use, in .thaw/test-stores: a server with S3's API, built with Go, and out of Debian's packages a
# registry of container images, buildah, which builds them, PostgreSQL and PgBouncer. Without them those tests are
# skipped and say so.
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

# Its program and the libraries that a machine need not have: installed, it would bring a container engine along.
fetch_buildah() {
  [ -x "$target/buildah/buildah" ] && return
  if ! has apt-get; then
    say "no apt here: the tests that build container images are skipped"
    return
  fi
  step "buildah for the tests (Debian)"
  work=$(mktemp -d)
  libraries=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances buildah | grep -E '^lib(gpgme|assuan|gpg-error|subid|seccomp|devmapper)[^:]*$' | sort -u)
  # shellcheck disable=SC2086
  if (cd "$work" && apt-get -o APT::Sandbox::User=root download buildah $libraries &&
    for package in *.deb; do dpkg-deb -x "$package" . || exit 1; done) > "$target/buildah.log" 2>&1; then
    rm -rf "$target/buildah" && mkdir -p "$target/buildah"
    find "$work" -name 'lib*.so.*' -exec cp -a {} "$target/buildah/" \;
    mv "$work/usr/bin/buildah" "$target/buildah/buildah"
  else
    tail -n 5 "$target/buildah.log" >&2
    say "buildah could not be fetched: the tests that build container images are skipped"
  fi
  rm -rf "$work"
}

# Unless the machine has it. Installed, it would be a service of this machine; its programs find their files from where
# they lie.
fetch_postgres() {
  for found in /usr/lib/postgresql/*/bin/postgres "$target"/postgres/usr/lib/postgresql/*/bin/postgres; do
    [ -x "$found" ] && return
  done
  if ! has apt-get; then
    say "no apt here: the tests with PostgreSQL are skipped"
    return
  fi
  step "PostgreSQL for the tests (Debian)"
  work=$(mktemp -d)
  major=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')
  libraries=$(libraries_of "postgresql-$major" "postgresql-client-$major" | grep -E '^lib(pq|llvm|xml2|icu|xslt|z3)')
  # shellcheck disable=SC2086
  if (cd "$work" &&
    apt-get -o APT::Sandbox::User=root download "postgresql-$major" "postgresql-client-$major" $libraries &&
    for package in *.deb; do dpkg-deb -x "$package" . || exit 1; done) > "$target/postgres.log" 2>&1; then
    rm -rf "$target/postgres"
    mkdir -p "$target/postgres/usr/lib" "$target/postgres/usr/share" "$target/postgres/libraries"
    find "$work/usr/lib" -name 'lib*.so.*' -exec cp -a {} "$target/postgres/libraries/" \;
    for part in lib share; do mv "$work/usr/$part/postgresql" "$target/postgres/usr/$part/"; done
  else
    tail -n 5 "$target/postgres.log" >&2
    say "PostgreSQL could not be fetched: the tests with it are skipped"
  fi
  rm -rf "$work"
}

fetch_pgbouncer() {
  [ -x "$target/pgbouncer/pgbouncer" ] && return
  if ! has apt-get; then
    say "no apt here: the tests with PgBouncer are skipped"
    return
  fi
  step "PgBouncer for the tests (Debian)"
  work=$(mktemp -d)
  libraries=$(libraries_of pgbouncer | grep -E '^lib(event|c-ares)')
  # shellcheck disable=SC2086
  if (cd "$work" && apt-get -o APT::Sandbox::User=root download pgbouncer $libraries &&
    for package in *.deb; do dpkg-deb -x "$package" . || exit 1; done) > "$target/pgbouncer.log" 2>&1; then
    rm -rf "$target/pgbouncer" && mkdir -p "$target/pgbouncer"
    find "$work" -name 'lib*.so.*' -exec cp -a {} "$target/pgbouncer/" \;
    mv "$work/usr/sbin/pgbouncer" "$target/pgbouncer/pgbouncer"
  else
    tail -n 5 "$target/pgbouncer.log" >&2
    say "PgBouncer could not be fetched: the tests with it are skipped"
  fi
  rm -rf "$work"
}

# Names of the libraries that packages need, not those that come with them.
libraries_of() {
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$@" |
    grep -E '^lib[^:]*$' | sort -u
}

build_versitygw
fetch_registry
fetch_buildah
fetch_postgres
fetch_pgbouncer

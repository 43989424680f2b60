#!/bin/sh
# Makes a bare Debian 12 (or newer) able to build, test and run Thaw. Idempotent: a second run only looks.
#
#                                  ┌─► CRIU from source → Rust programs
#   apt packages → npm packages ───┤
#                                  └─► runtime clients → language runtimes → sample functions → what the tests need
#
# What is machine-wide goes to $THAW_HOME (/var/lib/thaw); what belongs to this clone stays in it.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

check_host() {
  [ "$(uname -sm)" = "Linux x86_64" ] || die "Thaw needs Linux on x86_64; this is $(uname -sm)."
  debian=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release)
  if ! grep -q '^ID=debian' /etc/os-release || [ "${debian:-0}" -lt 12 ]; then
    is_complete || die "The set-up installs packages with apt and knows Debian 12 or newer.
Missing here: $(missing_list).
Install them by hand (docs/reference/setup.md lists what each is for), then run this again."
  fi
}

# What apt has to bring: a command or file, and its package.
NEEDS="
/usr/bin/gcc:gcc /usr/bin/make:make /usr/bin/pkg-config:pkg-config /usr/bin/xz:xz-utils /usr/bin/patch:patch
/usr/include/google/protobuf/message.h:libprotobuf-dev /usr/include/protobuf-c/protobuf-c.h:libprotobuf-c-dev
/usr/bin/protoc-c:protobuf-c-compiler /usr/bin/protoc:protobuf-compiler /usr/lib/python3/dist-packages/google/protobuf/__init__.py:python3-protobuf
/usr/include/libnl3/netlink/netlink.h:libnl-3-dev /usr/include/sys/capability.h:libcap-dev /usr/include/libnet.h:libnet1-dev
/usr/include/uuid/uuid.h:uuid-dev /usr/include/bsd/bsd.h:libbsd-dev
/usr/sbin/nft:nftables /usr/sbin/ip:iproute2|/usr/bin/ip:iproute2 /usr/sbin/mkfs.ext4:e2fsprogs
/usr/bin/mmdebstrap:mmdebstrap /usr/bin/dpkg-source:dpkg-dev /usr/bin/setpriv:util-linux
/usr/bin/javac:openjdk-17-jdk-headless /usr/bin/mvn:maven /usr/bin/python3:python3 /usr/bin/curl:curl /usr/bin/zip:zip /usr/bin/openssl:openssl
"

missing_packages() {
  for need in $NEEDS; do
    found=no
    for choice in $(echo "$need" | tr '|' ' '); do
      [ -e "${choice%%:*}" ] && found=yes
    done
    [ "$found" = yes ] || echo "${need##*:}"
  done
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  has cargo || echo cargo-web
  has cargo || echo rustc-web
  has rustfmt || echo rustfmt-web
  has cargo-clippy || echo rust-web-clippy
  [ "$(java_majors)" ] || echo openjdk-17-jdk-headless
}

java_majors() { find /usr/lib/jvm -path '*/bin/java' 2>/dev/null | head -n 1; }
missing_list() { missing_packages | sort -u | tr '\n' ' '; }
is_complete() { [ -z "$(missing_list)" ]; }

install_packages() {
  packages=$(missing_list)
  if [ -n "$packages" ]; then
    [ "$(id -u)" = 0 ] || die "These packages are missing: $packages
Run as root: apt-get install --no-install-recommends $packages
then run this again."
    step "Debian packages: $packages"
    run apt-get update
    # shellcheck disable=SC2086
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages
  fi
}

install_node_packages() {
  stamp=node_modules/.thaw-setup
  wanted=$(sha256sum package-lock.json | cut -c 1-64)
  [ "$(cat $stamp 2>/dev/null)" = "$wanted" ] && [ -x node_modules/.bin/node ] && return
  step "npm packages"
  run npm ci --no-audit --no-fund
  [ -x node_modules/.bin/node ] || die "npm did not bring Node.js 24 (package \"node\")."
  echo "$wanted" > $stamp
}

build_rust() {
  step "Rust programs (sandboxd, pager, supervisor)"
  run cargo build --release --locked
}

build_console() {
  step "web console"
  run node tools/build-console.ts
}

build_programs() {
  step "programs in few files (dist)"
  run node tools/build-programs.ts
}

build_native() {
  sh tools/build-criu.sh
  build_rust
}

build_others() {
  sh tools/build-runtimes.sh
  sh tools/install-sam-transform.sh
  sh tools/install-moto.sh
  # For base images of languages that are no part of a root file system of their own.
  sh tools/install-runtime.sh base-system
  # The newest Java of AWS's that most functions have; Java 17 is the host's.
  sh tools/install-runtime.sh java21
  sh tools/build-scanners.sh
  build_console
  build_programs
  sh tools/build-samples.sh
  sh tools/build-test-clients.sh
  sh tools/build-test-functions.sh
  sh tools/build-test-stores.sh
  sh tools/build-checkers.sh
}

main() {
  check_host
  install_packages
  install_node_packages
  [ "$(id -u)" = 0 ] && mkdir -p "$THAW_HOME"
  # One compiles, the other one mostly waits for downloads.
  build_native &
  native=$!
  build_others &
  others=$!
  failed=0
  wait $native || failed=1
  wait $others || failed=1
  [ $failed = 0 ] || exit 1
  say "set-up complete"
}

main

#!/bin/sh
# Debian's chromium, which the tests of the web console drive. For npm run matrix only.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

[ -x /usr/bin/chromium ] && exit
[ "$(id -u)" = 0 ] || die "The tests of the web console need a browser. Run as root: apt-get install --no-install-recommends chromium"
step "Debian package: chromium"
run apt-get update
run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium

#!/bin/sh
# zsh and fish, in which packages/cli/src/completion.test.ts tries the completion scripts; where one is missing it skips
# them. For npm run matrix, so that the unit tests of npm run check, which follow it in .ci/run, try them.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

command -v zsh >/dev/null && command -v fish >/dev/null && exit
[ "$(id -u)" = 0 ] || die "The tests of the completion need its shells. Run as root: apt-get install --no-install-recommends zsh fish"
step "Debian packages: zsh, fish"
run apt-get update
run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends zsh fish

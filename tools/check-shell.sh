#!/bin/sh
# Every shell script of the repository, read by shellcheck.
set -eu
cd "$(dirname "$0")/.."
scripts=$(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
# shellcheck disable=SC2086
.thaw/checkers/bin/shellcheck $scripts
echo "shellcheck: $(echo "$scripts" | wc -l) scripts"

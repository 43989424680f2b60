#!/bin/sh
# The checkers of `npm run check` that npm does not bring, in .thaw/checkers: ruff, shellcheck, cargo-deny, Java's
# formatter.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

target=$PWD/.thaw/checkers
recipe=$(digest tools/checkers/requirements.txt tools/checkers/pom.xml tools/build-checkers.sh)
[ "$(cat "$target/.recipe" 2>/dev/null)" = "$recipe" ] && exit 0
step "Checkers for Python, shell, Java and crates"
rm -rf "$target"
run python3 -m venv "$target"
run "$target/bin/pip" install --quiet --no-deps --only-binary=:all: --require-hashes -r tools/checkers/requirements.txt
run mvn -B -q -C -f tools/checkers/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$target/java"
echo "$recipe" > "$target/.recipe"

#!/bin/sh
# check-java.sh format|write|lint: Java as palantir-java-format writes it; everything that javac knows to warn of.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

# Not what `thaw scan` is shown: its findings have line numbers.
sources() { git ls-files '*.java' | grep -v -e ^tests/scan/fixtures/ -e ^tests/pairs/; }

format() {
  exports=
  for package in api code file parser tree util; do
    exports="$exports --add-exports jdk.compiler/com.sun.tools.javac.$package=ALL-UNNAMED"
  done
  # shellcheck disable=SC2046,SC2086
  java $exports -cp "$PWD/.thaw/checkers/java/*" com.palantir.javaformat.java.Main --palantir "$@" $(sources)
}

# lint RELEASE CLASSPATH FOLDER; not of paths: a jar's manifest may name the release of a library that we don't take
lint() {
  [ -n "$(ls "${2%/*}" 2>/dev/null)" ] || die "${2%/*} is missing: npm run setup"
  classes=$(mktemp -d)
  # shellcheck disable=SC2046
  javac --release "$1" -Xlint:all,-path -Werror -cp "$2" -d "$classes" $(git ls-files "$3/*.java") || die "javac: $3"
  rm -rf "$classes"
  say "javac: $3"
}

case $1 in
format)
  unformatted=$(format --dry-run)
  [ -z "$unformatted" ] || die "not formatted (sh tools/check-java.sh write):
$unformatted"
  say "formatted: $(sources | wc -l) Java files"
  ;;
write) format --replace ;;
lint)
  lint 11 "runtimes/dist/java/lib/*" runtimes/java
  lint 17 "scanners/dist/java/*" scanners/java
  spring=$(mktemp -d)
  trap 'rm -rf "$spring"' EXIT
  zip=$PWD/samples/spring/target/function.zip
  [ -f "$zip" ] || die "$zip is missing: npm run setup"
  (cd "$spring" && jar xf "$zip" lib)
  lint 17 "$spring/lib/*" samples/spring
  ;;
*) die "usage: check-java.sh format|write|lint" ;;
esac

#!/bin/sh
# fetch.sh DIR: the packages of packages.txt, unpacked in DIR/REGISTRY/NAME. Nothing of them is run, nothing goes into
# the repository.
set -u
list=$(cd "$(dirname "$0")" && pwd)/packages.txt
mkdir -p "$1"
cd "$1" || exit 1
grep -v '^#' "$list" | while read -r registry name version _handler; do
  safe=$(echo "$name" | tr '/:' '__')
  target=$registry/$safe
  [ -d "$target" ] && continue
  work=$(mktemp -d)
  case $registry in
    npm) (cd "$work" && npm pack --silent "$name@$version" >/dev/null 2>&1 && tar xzf ./*.tgz) ;;
    # Wheels only: a source distribution would run its set-up. Without .dist-info the package is the function's own
    # code.
    pypi) (cd "$work" && python3 -m pip download -q --no-deps --only-binary :all: "$name==$version" >/dev/null 2>&1 && python3 -m zipfile -e ./*.whl package && rm -rf package/*.dist-info) ;;
    maven) mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      -Dartifact="$name" -DoutputDirectory="$work/package" >/dev/null 2>&1 ;;
  esac
  if [ -d "$work/package" ] && [ -n "$(ls "$work/package")" ]; then
    mkdir -p "$registry" && mv "$work/package" "$target"
    echo "ok   $registry $name"
  else
    echo "FAIL $registry $name $version"
  fi
  rm -rf "$work"
done

#!/bin/sh
# The programs of tests/sdk-clients, which call Thaw through the AWS SDKs for Java v2 and Go v2, in .thaw/sdk-clients.
# For npm run matrix only.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

source=tests/sdk-clients
target=.thaw/sdk-clients

# is_made NAME FILE…: whether the program NAME is there as these files make it. Where it is not, its folder is empty
# after.
is_made() {
  part=$target/$1
  shift
  recipe=$(digest "$@" tools/build-sdk-clients.sh)
  [ "$(cat "$part/.recipe" 2>/dev/null)" = "$recipe" ] && return
  rm -rf "$part"
  mkdir -p "$part"
  step "AWS SDK of another language, for the tests: ${part##*/}"
  return 1
}

if ! is_made java $source/java/pom.xml $source/java/jars.sha256 $source/java/src/Client.java; then
  run mvn -B -q -C -f $source/java/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$part/lib"
  # Maven only compares what it fetches with what the registry says of it.
  (cd "$part/lib" && sha256sum -- *.jar) > "$part/jars"
  run diff "$part/jars" $source/java/jars.sha256
  run javac -cp "$part/lib/*" -d "$part/classes" $source/java/src/Client.java
  echo "$recipe" > "$part/.recipe"
fi

# Go is not part of the set-up: its row is tested where it is.
if has go && ! is_made go $source/go/main.go $source/go/go.mod $source/go/go.sum; then
  CGO_ENABLED=0 run go build -C $source/go -trimpath -o "$PWD/$part/client" .
  echo "$recipe" > "$part/.recipe"
fi

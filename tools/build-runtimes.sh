#!/bin/sh
# What the runtimes need. In this clone, runtimes/dist/NAME is mounted on /var/runtime of a sandbox:
#   java    the official runtime interface client, from Maven Central, and our start of it (runtimes/java/src)
#   unique  the library that is preloaded in every sandbox (runtimes/unique)
#   nodejs  the official client for each version of Node.js, from npm, and our start of it (runtimes/nodejs)
#   python  the official client for each version of Python
# Machine-wide, $THAW_HOME/runtimes/NAME: Node.js 22 and 24 from npm, Python 3.13 in a Debian root file system.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

dist=runtimes/dist
mkdir -p $dist

build_java() {
  recipe=$(digest runtimes/java/pom.xml runtimes/java/src/dev/thaw/runtime/*.java tools/build-runtimes.sh)
  [ "$(cat $dist/java/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Java runtime interface client"
  rm -rf $dist/java.new && mkdir -p $dist/java.new/lib
  run mvn -B -q -C -f runtimes/java/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$dist/java.new/lib"
  classes=$(mktemp -d)
  run javac --release 11 -cp "$dist/java.new/lib/*" -d "$classes" runtimes/java/src/dev/thaw/runtime/*.java
  run jar --create --file $dist/java.new/lib/thaw-runtime.jar -C "$classes" .
  rm -rf "$classes"
  finish java "$recipe"
}

# Needs nothing of this host's libc, so that it loads in any root file system.
build_unique() {
  recipe=$(digest runtimes/unique/*.[ch] tools/build-runtimes.sh)
  [ "$(cat $dist/unique/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Library that makes clones unique"
  rm -rf $dist/unique.new && mkdir -p $dist/unique.new
  compile_library $dist/unique.new/libthaw-unique.so runtimes/unique/*.c
  finish unique "$recipe"
}

# compile_library TARGET SOURCE...
compile_library() {
  library=$1
  shift
  run gcc -D_GNU_SOURCE -O2 -Wall -Wextra -shared -fPIC -nostdlib -fno-builtin -fno-stack-protector \
    -fvisibility=hidden -Wl,-z,now -o "$library" "$@"
  run strip "$library"
}

# build_nodejs VERSION CLIENT: AWS's client and what follows it are one file, as in AWS's own runtimes.
build_nodejs() {
  name=nodejs$1
  recipe=$(digest runtimes/nodejs/*.ts runtimes/nodejs/*.cts runtimes/nodejs/*.js runtimes/nodejs/*.c \
    runtimes/nodejs/clients.sha512 tools/build-runtimes.sh tools/strip-types.ts)
  [ "$(cat $dist/"$name"/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Node.js $1 runtime interface client"
  rm -rf $dist/"$name".new && mkdir -p $dist/"$name".new
  work=$(mktemp -d)
  fetch_client "$work" "$2"
  find "$work/package" -maxdepth 2 -name index.mjs -not -path '*/bin/*' -exec cat {} \; > $dist/"$name".new/index.mjs
  cat runtimes/nodejs/start"$1".js >> $dist/"$name".new/index.mjs
  cat "$work/package/THIRD-PARTY-LICENSES" "$work/package/LICENSE" > $dist/"$name".new/THIRD-PARTY-LICENSES.txt
  rm -rf "$work"
  run node --disable-warning=ExperimentalWarning tools/strip-types.ts runtimes/nodejs $dist/"$name".new
  compile_library $dist/"$name".new/page.node runtimes/nodejs/page.c
  compile_library $dist/"$name".new/rapid-client.node runtimes/nodejs/rapid-client.c
  finish "$name" "$recipe"
}

# fetch_client FOLDER VERSION: unpacks it, if it is the one that clients.sha512 names
fetch_client() {
  run npm pack --silent --pack-destination "$1" "aws-lambda-ric@$2"
  grep "aws-lambda-ric-$2.tgz" runtimes/nodejs/clients.sha512 > "$1/expected"
  (cd "$1" && run sha512sum --check --status expected)
  tar -xzf "$1/aws-lambda-ric-$2.tgz" -C "$1"
}

build_provided() {
  mkdir -p $dist/provided
}

build_python() {
  version=$1
  name=python$version
  recipe=$(digest runtimes/python/requirements.txt runtimes/python/thaw_runtime.py tools/build-runtimes.sh)
  [ "$(cat $dist/"$name"/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Python $version runtime interface client"
  rm -rf $dist/"$name".new && mkdir -p $dist/"$name".new
  run python3 tools/fetch-wheels.py "$version" runtimes/python/requirements.txt $dist/"$name".new
  cp runtimes/python/thaw_runtime.py $dist/"$name".new/
  finish "$name" "$recipe"
}

# finish NAME RECIPE: what was built takes the place of what was there
finish() {
  echo "$2" > $dist/"$1".new/.recipe
  chmod -R a+rX $dist/"$1".new
  rm -rf "$dist/${1:?}"
  mv $dist/"$1".new $dist/"$1"
}

build_unique
build_java
build_nodejs 22 3.3.0
build_nodejs 24 4.0.2
build_provided
for version in 3.12 3.13 3.14; do build_python $version; done
for name in nodejs24 nodejs22 python3.13; do sh tools/install-runtime.sh $name; done

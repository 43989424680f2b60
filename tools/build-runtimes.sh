#!/bin/sh
# What the runtimes need. In this clone, runtimes/dist/NAME is mounted on /var/runtime of a sandbox:
#   java    the official runtime interface client, from Maven Central, and our start of it (runtimes/java/src)
#   unique  the library that is preloaded in every sandbox (runtimes/unique)
#   nodejs  the official client for each version of Node.js, from npm, and our start of it (runtimes/nodejs)
#   python  the official client for each version of Python
#   sdk-nodejs, sdk-python  the SDKs that AWS's runtimes bring along: not mounted themselves, but linked into the clients
# Machine-wide, $THAW_HOME/runtimes/NAME: Node.js 20, 22 and 24 from npm, Python 3.13 in a Debian root file system.
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

# One copy for all versions. What Node.js never loads (types, the variants for bundlers) is nine tenths of it.
build_sdk_nodejs() {
  recipe=$(digest runtimes/nodejs/sdk/package-lock.json tools/build-runtimes.sh)
  [ "$(cat $dist/sdk-nodejs/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "AWS SDK for JavaScript, for functions"
  rm -rf $dist/sdk-nodejs.new && mkdir -p $dist/sdk-nodejs.new
  cp runtimes/nodejs/sdk/package.json runtimes/nodejs/sdk/package-lock.json $dist/sdk-nodejs.new/
  run npm --prefix $dist/sdk-nodejs.new ci --ignore-scripts --omit=optional --no-audit --no-fund
  find $dist/sdk-nodejs.new -type d \( -name dist-es -o -name dist-types -o -name .bin \) -prune -exec rm -rf {} +
  find $dist/sdk-nodejs.new -type f \( -name '*.d.ts' -o -name '*.map' -o -name '*.md' \) -delete
  rm $dist/sdk-nodejs.new/node_modules/.package-lock.json
  finish sdk-nodejs "$recipe"
}

build_sdk_python() {
  recipe=$(digest runtimes/python/sdk.txt tools/fetch-wheels.py tools/build-runtimes.sh)
  [ "$(cat $dist/sdk-python/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "AWS SDK for Python, for functions"
  rm -rf $dist/sdk-python.new && mkdir -p $dist/sdk-python.new
  run python3 tools/fetch-wheels.py 3.12 runtimes/python/sdk.txt $dist/sdk-python.new
  finish sdk-python "$recipe"
}

# build_nodejs VERSION CLIENT START: AWS's client and what follows it are one file, as in AWS's own runtimes.
build_nodejs() {
  name=nodejs$1
  recipe=$(digest runtimes/nodejs/*.ts runtimes/nodejs/*.cts runtimes/nodejs/*.js runtimes/nodejs/*.c \
    runtimes/nodejs/clients.sha512 $dist/sdk-nodejs/.recipe tools/build-runtimes.sh tools/strip-types.ts)
  [ "$(cat $dist/"$name"/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Node.js $1 runtime interface client"
  rm -rf $dist/"$name".new && mkdir -p $dist/"$name".new
  work=$(mktemp -d)
  fetch_client "$work" "$2"
  find "$work/package" -maxdepth 2 -name index.mjs -not -path '*/bin/*' -exec cat {} \; > $dist/"$name".new/index.mjs
  cat runtimes/nodejs/"$3" >> $dist/"$name".new/index.mjs
  cat "$work/package/THIRD-PARTY-LICENSES" "$work/package/LICENSE" > $dist/"$name".new/THIRD-PARTY-LICENSES.txt
  rm -rf "$work"
  run node --disable-warning=ExperimentalWarning tools/strip-types.ts runtimes/nodejs $dist/"$name".new
  compile_library $dist/"$name".new/page.node runtimes/nodejs/page.c
  compile_library $dist/"$name".new/rapid-client.node runtimes/nodejs/rapid-client.c
  cp -al $dist/sdk-nodejs/node_modules $dist/"$name".new/node_modules
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
  recipe=$(digest runtimes/python/requirements.txt runtimes/python/thaw_runtime.py $dist/sdk-python/.recipe \
    tools/build-runtimes.sh)
  [ "$(cat $dist/"$name"/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Python $version runtime interface client"
  rm -rf $dist/"$name".new && mkdir -p $dist/"$name".new
  run python3 tools/fetch-wheels.py "$version" runtimes/python/requirements.txt $dist/"$name".new
  cp runtimes/python/thaw_runtime.py $dist/"$name".new/
  cp -al $dist/sdk-python/. $dist/"$name".new/
  rm $dist/"$name".new/.recipe
  finish "$name" "$recipe"
}

# compile_python VERSION: byte code, as functions can't write any. Importing boto3 takes a third of the time with it. By
# the Python that will run it, in whose root nothing else is started; a version that is not here is left as it is.
compile_python() {
  root=$THAW_HOME/runtimes/python$1
  client=$dist/python$1
  [ -e "$root/.complete" ] && [ ! -d "$client/__pycache__" ] || return 0
  libraries=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu
  run env -i PYTHONHOME="$root/usr" "$root/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" \
    "$root/usr/bin/python$1" -S -m compileall -q --invalidation-mode unchecked-hash -s "$client" -p /var/runtime "$client"
  chmod -R a+rX "$client"
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
build_sdk_nodejs
build_sdk_python
build_nodejs 20 3.3.0 start22.js
build_nodejs 22 3.3.0 start22.js
build_nodejs 24 4.0.2 start24.js
build_provided
for version in 3.11 3.12 3.13 3.14; do build_python $version; done
for name in nodejs24 nodejs22 nodejs20 python3.13; do sh tools/install-runtime.sh $name; done
for version in 3.11 3.12 3.13 3.14; do compile_python $version; done

#!/bin/sh
# The Java part of `thaw scan`: scanners/dist/java/*.jar. The other two are run as they are.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

dist=scanners/dist/java
recipe=$(find scanners/java/src scanners/java/pom.xml tools/build-scanners.sh -type f | sort | xargs cat |
  sha256sum | cut -c 1-16)
[ "$(cat $dist/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "Java scanner"
rm -rf $dist.new && mkdir -p $dist.new
run mvn -B -q -C -f scanners/java/pom.xml package dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$dist.new"
cp scanners/java/target/scanner.jar $dist.new/
echo "$recipe" > $dist.new/.recipe
chmod -R a+rX $dist.new
rm -rf $dist
mv $dist.new $dist

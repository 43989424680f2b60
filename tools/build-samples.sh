#!/bin/sh
# The Spring Boot sample as a deployment package: samples/spring/target/function.zip.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

sample=samples/spring
recipe=$(find $sample/src $sample/pom.xml -type f | sort | xargs cat | sha256sum | cut -c 1-16)
[ -f $sample/target/function.zip ] && [ "$(cat $sample/target/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "Spring Boot sample"
run mvn -B -q -C -f $sample/pom.xml package
echo "$recipe" > $sample/target/.recipe

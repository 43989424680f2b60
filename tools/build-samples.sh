#!/bin/sh
# The Spring Boot sample as a deployment package: samples/spring/target/function.zip. The Java sample of thaw init is
# built once, so that Maven has all that its tests need.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

build_init_sample() {
  source=packages/cli/samples/java
  target=.thaw/init-java
  recipe=$(find $source -type f | sort | xargs cat | sha256sum | cut -c 1-16)
  [ "$(cat $target/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "Java sample of thaw init"
  rm -rf $target
  mkdir -p .thaw
  cp -r $source $target
  run mvn -B -q -C -f $target/pom.xml package
  echo "$recipe" > $target/.recipe
}

build_init_sample
sample=samples/spring
recipe=$(find $sample/src $sample/pom.xml -type f | sort | xargs cat | sha256sum | cut -c 1-16)
[ -f $sample/target/function.zip ] && [ "$(cat $sample/target/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "Spring Boot sample"
run mvn -B -q -C -f $sample/pom.xml package
echo "$recipe" > $sample/target/.recipe

#!/bin/sh
# Tools that deploy, unmodified, in .thaw/deploy-tools: the SAM CLI, the CDK with its library, osls. For the matrix of
# tests/deploy; the AWS CLI is among the test clients (tools/build-test-clients.sh).
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

source=tests/deploy/tools
target=.thaw/deploy-tools

install_python_tools() {
  recipe=$(digest $source/requirements.txt tools/deploy-tools.sh)
  [ "$(cat $target/python/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "SAM CLI for the tests"
  # The file names all that is needed; extras of packages would have to be there by that name.
  rm -rf $target/python
  run python3 -m venv $target/python
  run $target/python/bin/pip install --quiet --no-deps --require-hashes --only-binary=:all: -r $source/requirements.txt
  echo "$recipe" > $target/python/.recipe
}

install_node_tools() {
  recipe=$(digest $source/package.json $source/package-lock.json tools/deploy-tools.sh)
  [ "$(cat $target/node/.recipe 2>/dev/null)" = "$recipe" ] && return
  step "CDK and osls for the tests"
  rm -rf $target/node
  mkdir -p $target/node
  cp $source/package.json $source/package-lock.json $target/node/
  run npm --prefix $target/node ci --ignore-scripts --no-audit --no-fund
  echo "$recipe" > $target/node/.recipe
}

mkdir -p $target
install_python_tools
install_node_tools

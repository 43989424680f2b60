#!/bin/sh
# The AWS clients that the tests use, unmodified: AWS CLI and boto3, in .thaw/aws-clients.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

target=.thaw/aws-clients
recipe=$(digest tests/support/requirements.txt tools/build-test-clients.sh)
[ "$(cat $target/.recipe 2>/dev/null)" = "$recipe" ] && exit 0
step "AWS CLI and boto3 for the tests"
rm -rf $target
run python3 -m venv $target
run $target/bin/pip install --quiet --require-hashes --only-binary=:all: -r tests/support/requirements.txt
echo "$recipe" > $target/.recipe

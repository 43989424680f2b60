#!/bin/sh
# What `thaw serve --companion moto` starts, in $THAW_HOME/moto: moto, a service with AWS's API that keeps everything in
# memory, of the digests in runtimes/moto/requirements.txt, and the Python of the SAM transform, as links to its files.
# `thaw runtimes install moto` calls it. The directory is the root of moto's file system when it runs.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

target=$THAW_HOME/moto
recipe=$(digest runtimes/moto/requirements.txt tools/install-moto.sh)
[ "$(cat "$target/.recipe" 2>/dev/null)" = "$recipe" ] && exit 0
[ "$(id -u)" = 0 ] || die "Installing moto needs root."
sh tools/install-sam-transform.sh

step "moto"
new=$target.new
rm -rf "$new"
mkdir -p "$new"
cp -al "$THAW_HOME/sam-transform/python" "$new/python"
run python3 tools/fetch-wheels.py 3.13 runtimes/moto/requirements.txt "$new/library"
# Models of the services that it has here, and of those that they look into.
find "$new/library/botocore/data" -mindepth 1 -maxdepth 1 -type d ! -name sqs ! -name sns ! -name 'dynamodb*' \
  ! -name kinesis ! -name secretsmanager ! -name cloudwatch ! -name kms -exec rm -rf {} +
run env -i PYTHONHOME="$new/python" "$new/python/bin/ld-linux-x86-64.so.2" \
  --library-path "$new/python/lib/x86_64-linux-gnu" "$new/python/bin/python3.13" -S \
  -m compileall -q --invalidation-mode unchecked-hash "$new/library"
chmod -R a+rX "$new"
echo "$recipe" > "$new/.recipe"
rm -rf "$target"
mv "$new" "$target"
say "moto is installed"

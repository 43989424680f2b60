#!/bin/sh
# fetch.sh DIR: the bundlers that main.ts measures with, in DIR/node_modules. Nothing goes into the repository.
set -eu
mkdir -p "$1" && cd "$1"
[ -f package.json ] || echo '{"private":true}' > package.json
npm install --no-audit --no-fund --ignore-scripts --save-exact \
  esbuild@0.25.9 @esbuild/linux-x64@0.25.9 webpack@5.101.3 rollup@4.50.0 @rollup/plugin-node-resolve@16.0.1 @rollup/plugin-commonjs@28.0.6

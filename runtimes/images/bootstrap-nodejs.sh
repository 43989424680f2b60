#!/bin/sh
# /var/runtime/bootstrap of the base images of Node.js: command line and variables of
# packages/server/src/runtimes/node.ts. base-image.test.ts beside it compares them; `thaw images base` fills in the
# runtime.
runtime=@RUNTIME@
major=${runtime#nodejs}
major=${major%.x}
authority=/etc/thaw-ca.pem
own=${NODE_OPTIONS:-}
export AWS_EXECUTION_ENV="AWS_Lambda_$runtime"
set -- --expose-gc --max-http-header-size=81920
case $own in
  *--max[-_]semi[-_]space[-_]size* | *--max[-_]old[-_]space[-_]size*) ;;
  *) set -- "$@" --max-old-space-size=$((${AWS_LAMBDA_FUNCTION_MEMORY_SIZE:-3008} * 9 / 10)) ;;
esac
for name in experimental-require-module experimental-detect-module; do
  case $own in
    *--$name*) ;;
    *) set -- "$@" "--no-$name" ;;
  esac
done
preloaded=
for name in unique watch-file module-paths; do
  set -- "$@" "--require=/var/runtime/$name.cjs"
  preloaded="$preloaded${preloaded:+ }--require=/var/runtime/$name.cjs"
done
export NODE_OPTIONS="$preloaded${own:+ $own}"
if [ -z "${NODE_PATH:-}" ]; then
  layers=/opt/nodejs/node$major/node_modules:/opt/nodejs/node_modules
  export NODE_PATH="$layers:/var/runtime/node_modules:/var/runtime:/var/task"
fi
# Signs for the server's service door; only a sandbox has it.
if [ -z "${NODE_EXTRA_CA_CERTS+set}" ] && [ -e $authority ]; then export NODE_EXTRA_CA_CERTS=$authority; fi
set -- /var/lang/bin/node "$@" /var/runtime/index.mjs
# shellcheck source=runtimes/images/start.sh
. /var/runtime/start.sh

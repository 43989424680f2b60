#!/bin/sh
# /lambda-entrypoint.sh of base images, as AWS's have it: the command of the image is the handler. Where nothing serves
# the Runtime API, AWS's emulator does, if there is one.
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" >&2
  exit 142
fi
export _HANDLER="$1"
bootstrap=/var/runtime/bootstrap
emulator=/usr/local/bin/aws-lambda-rie
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  exec $bootstrap
elif [ -x $emulator ]; then
  exec $emulator $bootstrap
fi
echo "AWS_LAMBDA_RUNTIME_API is not set: run this image as a function, or put the emulator at $emulator" >&2
exit 1

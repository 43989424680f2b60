#!/bin/sh
# /var/runtime/bootstrap of Python's base images: command line and variables of packages/server/src/runtimes/catalog.ts.
# base-image.test.ts beside it compares them; `thaw images base` fills in the runtime.
runtime=@RUNTIME@
export AWS_EXECUTION_ENV="AWS_Lambda_$runtime"
export LC_CTYPE="${LC_CTYPE:-C.UTF-8}" PYTHONPATH="${PYTHONPATH:-/var/runtime}"
set -- "/usr/bin/$runtime" -B /var/runtime/thaw_runtime.py
# shellcheck source=runtimes/images/start.sh
. /var/runtime/start.sh

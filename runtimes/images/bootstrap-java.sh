#!/bin/sh
# /var/runtime/bootstrap of Java's base images: the command line of packages/server/src/runtimes/java.ts.
# base-image.test.ts beside it compares them; `thaw images base` fills in the runtime.
runtime=@RUNTIME@
major=${runtime#java}
export AWS_EXECUTION_ENV="AWS_Lambda_$runtime"
set -- -XX:MaxHeapSize=$((${AWS_LAMBDA_FUNCTION_MEMORY_SIZE:-3008} * 1024 * 85 / 100))k -XX:+UseSerialGC \
  -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xshare:auto
if [ "${AWS_LAMBDA_INITIALIZATION_TYPE:-}" = snap-start ]; then
  set -- "$@" -Xms24m -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=20
  [ "$major" -lt 17 ] || set -- "$@" -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0
fi
set -- "$@" -Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac
[ "$major" -lt 22 ] || set -- "$@" --enable-native-access=ALL-UNNAMED
for name in java.io java.lang java.util java.util.concurrent sun.security.provider; do
  set -- "$@" "--add-opens=java.base/$name=ALL-UNNAMED"
done
if [ "$major" -ge 25 ]; then
  set -- "$@" --add-opens=java.base/jdk.internal.random=ALL-UNNAMED
elif [ "$major" -ge 17 ]; then
  set -- "$@" --add-opens=jdk.random/jdk.random=ALL-UNNAMED
fi
set -- /var/lang/bin/java "$@" -cp '/var/runtime/lib/*' dev.thaw.runtime.Main
# shellcheck source=runtimes/images/start.sh
. /var/runtime/start.sh

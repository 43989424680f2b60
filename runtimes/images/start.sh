# shellcheck shell=sh
# The end of each bootstrap: starts the command line in "$@", by the function's wrapper script where there is one
# (AWS, "Modifying the runtime environment").
wrapper=${AWS_LAMBDA_EXEC_WRAPPER:-}
[ -n "$wrapper" ] || exec "$@"
if [ ! -f "$wrapper" ]; then
  echo "$wrapper: does not exist" >&2
  exit 127
elif [ ! -x "$wrapper" ]; then
  echo "$wrapper: is not an executable" >&2
  exit 126
fi
exec "$wrapper" "$@"

#!/bin/bash
# The handler of the runtime beside it.
handler() {
  echo "event: $1" >&2
  case "$1" in *fail*) return 1 ;; esac
  echo "{\"echo\":$1,\"draw\":$RANDOM}"
}

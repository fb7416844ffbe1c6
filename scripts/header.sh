#!/bin/sh
# Prints the C header that cbindgen generates from src/lib.rs.
set -eu
cd "$(dirname "$0")/.."

messages=$(cargo build --quiet --locked --features header \
    --target-dir build/header --message-format=json)
out_dir=$(printf '%s\n' "$messages" |
    grep '"reason":"build-script-executed"' | grep 'master_proto' |
    sed -n 's/.*"out_dir":"\([^"]*\)".*/\1/p')
if [ ! -f "$out_dir/master_proto.h" ]; then
    echo "header.sh: cbindgen left no master_proto.h in '$out_dir'" >&2
    exit 1
fi
cat "$out_dir/master_proto.h"

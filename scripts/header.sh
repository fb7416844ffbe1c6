#!/bin/sh
# Prints the C header that cbindgen generates from src/lib.rs.
set -eu
cd "$(dirname "$0")/.."

messages=$("${CARGO:-cargo}" build --quiet --locked --features header \
    --target-dir build/header --message-format=json)
# Ours is the only crate that is read from a folder; its name may be in any path.
out_dir=$(printf '%s\n' "$messages" |
    grep '"reason":"build-script-executed"' | grep '"package_id":"path+file:' |
    sed -n 's/.*"out_dir":"\([^"]*\)".*/\1/p')
if [ ! -f "$out_dir/master_proto.h" ]; then
    echo "header.sh: cbindgen left no master_proto.h in '$out_dir'" >&2
    exit 1
fi
cat "$out_dir/master_proto.h"

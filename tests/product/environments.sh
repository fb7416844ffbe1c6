# make in one environment: environments.sh COMMAND EXPECTED
#
# In $TMPDIR/copy, a checkout that was built before. EXPECTED is "right", "right: TEXT" for a message
# besides, or "refused: TEXT". The source is edited first, so that no file of an earlier build can pass.
set -eu
unset CDPATH CARGO CARGO_TARGET_DIR # cargo test has set these
cd "$TMPDIR/copy"
command=$1 expected=$2
wrong() {
    set +x
    printf '%s\n' "$1: $command" "It says:" >&2
    cat "$TMPDIR/said" >&2
    exit 1
}
# Before, after: the artefacts by their contents.
sums() {
    cat build/master_proto.o build/libmaster_proto.a build/libmaster_proto.so 2>&1 | cksum
}

number=$(($(cat "$TMPDIR/number") + 1))
echo $number >"$TMPDIR/number"
sed -i "s/: status[0-9]* %d/: status$number %d/" src/msg.rs
before=$(sums)
status=0
sh -c "$command" >"$TMPDIR/said" 2>&1 </dev/null || status=$?

text=${expected#*: }
case $expected in
right) text= ;;
esac
if [ $status -ne 0 ]; then
    [ "$expected" != "${expected#refused}" ] || wrong "it fails with status $status"
    grep -v '^make.*[*][*][*]' "$TMPDIR/said" | tail -n 1 | grep -qF -- "$text" || wrong "its last line does not contain '$text'"
    [ "$(sums)" = "$before" ] || wrong "it is refused, and has changed the artefacts"
    exit 0
fi
[ "$expected" = "${expected#refused}" ] || wrong "it is not refused"
for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
    grep -q ": status$number %d" "build/$name" || wrong "$name is not of this source"
done
"$CHECKOUT/tools/inspect" build 2>>"$TMPDIR/said" || wrong "the artefacts are not right"
[ -z "$text" ] || grep -qF -- "$text" "$TMPDIR/said" || wrong "it does not say '$text'"
# Without a message, nothing is lost, and nothing more is said.
if [ -z "$text" ]; then
    for name in master_proto.o libmaster_proto.so; do
        [ "$("$CHECKOUT/tools/inspect" --facts build/$name | grep -cE '^property (IBT|SHSTK)$')" = 2 ] ||
            wrong "$name has no branch protection"
    done
    ! grep -i '^build:\|warning' "$TMPDIR/said" >&2 || wrong "it warns"
fi

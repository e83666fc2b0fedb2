#!/bin/sh
# SPDX-License-Identifier: MIT
# kill.sh PROGRAM: a save that is killed at any write, sync or rename, or that meets a full disk or a failing
# one, leaves the old file or the new one, whole; errors are one message, and nothing stays behind after the
# next save. PROGRAM is kill_save. 77 where strace cannot trace.
save=$1
command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null || exit 77
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
# the leak checker wants to trace the process itself
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
file=$folder/model.safetensors
n=1
"$save" write "$file" $n || exit 1

fail() {
    echo "$*" >&2
    exit 1
}
inject() { # inject CALLS WHAT WHEN: save under the fault
    n=$((n + 1))
    strace -f -qq -o /dev/null -e trace="$1" -e inject="$1:$2:when=$3" "$save" write "$file" $n >"$folder/out" 2>&1
}
whole() {
    "$save" check "$file" $n || fail "$*: the file is damaged"
}
clean() { # the next save removes what the killed one left
    "$save" write "$file" $n || fail "$*: the next save fails"
    left=$(find "$folder" -name '*.tmp-*' | wc -l)
    [ "$left" -eq 0 ] || fail "$*: $left temporary files are left"
}

for calls in write fsync /rename close openat; do
    hits=0
    for when in 1 2 3 4 5 6 7 8 9 10 11 12; do
        inject $calls signal=KILL $when
        status=$?
        whole "killed at $calls $when"
        clean "killed at $calls $when"
        [ $status -eq 0 ] && break
        hits=$((hits + 1))
    done
    case $calls in
    write | fsync | /rename) [ $hits -gt 0 ] || fail "no $calls was met" ;;
    esac
done
for fault in write:ENOSPC write:EIO fsync:EIO /rename:EIO; do
    calls=${fault%:*}
    inject "$calls" error="${fault#*:}" 1
    status=$?
    [ $status -eq 1 ] || fail "$fault: status $status"
    [ "$(wc -l <"$folder/out")" -eq 1 ] || fail "$fault: not one message: $(cat "$folder/out")"
    grep -q "model.safetensors: " "$folder/out" || fail "$fault: $(cat "$folder/out")"
    whole "$fault"
    clean "$fault"
done

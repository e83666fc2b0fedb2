#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh: asks this machine's OpenCL device what it does, tests and measures clgrad on it, and writes one page,
# result.txt and result.json. Needs a GPU driver (or any OpenCL driver) and a shell; installs nothing.
usage() {
    cat <<'TEXT'
usage: run.sh [--seconds N] [--out DIR] [--device NAME] [--only PATTERN] [--demo-steps N] [--carried]

  --seconds N      end after so long, whatever is left to do (default 480)
  --out DIR        where results go (default clgrad-result in this folder's parent, else in /tmp)
  --device NAME    part of a device's or platform's name (default: what clgrad chooses)
  --only PATTERN   only steps whose name fits, as the shell matches: 'list|caps|suite-*'
  --demo-steps N   end the demo after N steps (default: one epoch)
  --carried        use the C library that travels along even where the system's would do

Results are written after every step: DIR/result.txt to read, DIR/result.json for programs.
Exit status: 0 when every step went well or did not apply, 1 when one went wrong, 2 for a bad option.
TEXT
}

seconds=480 out='' device='' only='*' demo_steps='' carried=''
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h) usage; exit 0 ;;
    --carried) carried=1; shift ;;
    --seconds | --out | --device | --only | --demo-steps)
        [ $# -ge 2 ] || { echo "run.sh: $1 wants a value" >&2; exit 2; }
        case $1 in
        --seconds) seconds=$2 ;; --out) out=$2 ;; --device) device=$2 ;; --only) only=$2 ;; *) demo_steps=$2 ;;
        esac
        shift 2 ;;
    *) echo "run.sh: no option '$1'; see --help" >&2; exit 2 ;;
    esac
done
for n in "$seconds" "${demo_steps:-1}"; do
    case $n in '' | *[!0-9]*) echo "run.sh: '$n' is not a whole number" >&2; exit 2 ;; esac
done

begin=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd) || exit 1
if [ -z "$out" ]; then
    out=$(dirname "$here")/clgrad-result
    mkdir -p "$out" 2>/dev/null || out=/tmp/clgrad-result
fi
mkdir -p "$out" && out=$(cd "$out" && pwd) && rm -rf "$out/steps" "$out/parts" "$out/work" &&
    mkdir -p "$out/steps" "$out/parts" "$out/work" "$out/vendors" || exit 1
gzip -dc "$here/parts.tar.gz" | tar -x -C "$out/parts" -f - || { echo "run.sh: cannot unpack parts.tar.gz" >&2; exit 1; }
parts=$out/parts
bin=$parts/bin
system_path=${LD_LIBRARY_PATH:-}

# ---- libraries: the system's own come first where they will do, since the driver was built for them

try() { # try LIBRARY-PATH: do our programs start with it?
    [ -z "$carried" ] && LD_LIBRARY_PATH=$1${system_path:+:$system_path} "$bin/clgrad" --version >/dev/null 2>&1
}
if try "$parts/lib"; then
    LD_LIBRARY_PATH=$parts/lib
elif try "$parts/lib:$parts/lib/cxx"; then
    LD_LIBRARY_PATH=$parts/lib:$parts/lib/cxx
else # a C library older than ours: start everything through the loader that we carry
    LD_LIBRARY_PATH=$parts/lib:$parts/lib/cxx:$parts/lib/libc
    mkdir -p "$parts/wrapped"
    for program in "$bin"/*; do
        printf '#!/bin/sh\nexec "%s" --library-path "$LD_LIBRARY_PATH" "%s" "$@"\n' "$parts/lib/libc/ld-linux-x86-64.so.2" \
            "$program" >"$parts/wrapped/$(basename "$program")"
    done
    chmod +x "$parts/wrapped"/*
    bin=$parts/wrapped
fi
[ -n "$system_path" ] && LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$system_path

# ---- drivers: what the system registered, else what lies about unregistered, as in GPU containers

if [ -z "${OCL_ICD_VENDORS:-}" ]; then
    rm -f "$out/vendors"/*
    for file in /etc/OpenCL/vendors/*.icd; do
        [ -r "$file" ] && cp "$file" "$out/vendors/"
    done
    for name in libnvidia-opencl.so.1 libamdocl64.so libigdrcl.so libintelocl.so libpocl.so.2; do
        grep -qs "$name" "$out/vendors"/*.icd && continue
        found=$(find -L /usr/local/nvidia /usr/lib /usr/lib64 /opt/rocm /opt/intel /run/opengl-driver -maxdepth 4 \
            -name "$name" 2>/dev/null | head -n 1)
        [ -n "$found" ] || continue
        echo "$found" >"$out/vendors/$name.icd"
        LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$(dirname "$found") # its siblings
    done
    export OCL_ICD_VENDORS="$out/vendors"
fi
export LD_LIBRARY_PATH POCL_CACHE_DIR="${POCL_CACHE_DIR:-$out/work/pocl}" XDG_CACHE_HOME="$out/work/cache" TMPDIR="$out/work"
mkdir -p "$POCL_CACHE_DIR" "$XDG_CACHE_HOME"

# ---- steps

number=10 wrong=0
left() { echo $((seconds - ($(date +%s) - begin))); }
step() { # step GROUP NAME LIMIT DATA-FILE-OR-DASH COMMAND...
    group=$1 name=$2 limit=$3 data=$4
    shift 4
    eval "case \$name in $only) ;; *) return ;; esac"
    remaining=$(left)
    [ "$remaining" -lt 5 ] && { echo "no time    -      $name"; return; }
    [ "$limit" -gt "$remaining" ] && limit=$remaining
    number=$((number + 1))
    file=$out/steps/$number-$name.json
    if [ "$data" = - ]; then
        "$bin/step" --into "$file" --group "$group" --name "$name" --limit "$limit" -- "$@"
    else
        "$bin/step" --into "$file" --group "$group" --name "$name" --limit "$limit" --data "$data" -- "$@"
    fi
    grep -qs '"outcome": "\(ok\|skipped\)"' "$file" || wrong=$((wrong + 1))
    "$bin/report" "$out"
}

cat >"$out/work/host.sh" <<'TEXT'
uname -srm
sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c
sed -n 's/^MemTotal: */memory /p' /proc/meminfo
sed -n 's/^PRETTY_NAME=//p' /etc/os-release
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>/dev/null
for icd in "$OCL_ICD_VENDORS"/*.icd; do
    [ -r "$icd" ] && echo "driver $(cat "$icd")"
done
for name in libnvidia-nvvm.so.4 libnvidia-ptxjitcompiler.so.1 libcuda.so.1; do
    grep -qs nvidia "$OCL_ICD_VENDORS"/*.icd || break
    find -L /usr/local/nvidia /usr/lib /usr/lib64 -maxdepth 4 -name "$name" 2>/dev/null | grep -q . ||
        echo "missing beside the driver: $name"
done
true
TEXT
echo "clgrad: at most $seconds s, results in $out"
step host host 15 - sh "$out/work/host.sh"
step probe list 30 - "$bin/probe" list
[ -n "$device" ] && export CLGRAD_DEVICE="$device"
step probe devices 60 "$out/work/devices.json" sh -c "'$bin/clgrad' devices --json >'$out/work/devices.json'"
# the probes ask the device that the library takes
if [ -z "$device" ] && [ -r "$out/work/devices.json" ]; then
    device=$(tr '{' '\n' <"$out/work/devices.json" | grep -A 20 '"index"' | tr -d '\n' | sed 's/"index"/\n&/g' |
        sed -n 's/.*"name": "\([^"]*\)".*"default": true.*/\1/p' | head -n 1)
fi
[ -n "$device" ] && export PROBE_DEVICE="$device"
for name in caps launch copy fma-f32 groups; do
    step probe $name 30 - "$bin/probe" $name
done

suite() { # suite LINE-OF-suites.list: name, limit, VARIABLE=value words, program and arguments
    set -- $(echo "$1" | sed "s|@PARTS@|$parts|g")
    name=$1 limit=$2
    shift 2
    step suite "suite-$name" "$limit" - env "$@"
}
while IFS= read -r line <&3; do
    case $line in first\ *) suite "${line#first }" ;; esac
done 3<"$parts/suites.list"

step bench bench 100 "$out/work/bench.json" sh -c "'$bin/clgrad' bench --cases --json >'$out/work/bench.json'"
step demo demo 120 - "$bin/clgrad" train fashion-mnist --data "$here/data" --epochs 1 --out "$out/work/demo" \
    ${demo_steps:+--steps $demo_steps}
python=$(command -v python3)
if [ -n "$python" ] && [ -s "$out/work/bench.json" ]; then
    step bench torch 90 "$out/work/torch.json" env LD_LIBRARY_PATH="$system_path" sh -c \
        "'$python' '$here/compare_torch.py' '$out/work/bench.json' >'$out/work/torch.json'"
fi
for name in fma-f64 fma-f16 transfer alloc; do
    step probe $name 30 - "$bin/probe" $name
done
step probe ptx 70 - "$bin/probe" ptx
step probe local 90 - "$bin/probe" local
while IFS= read -r line <&3; do
    case $line in later\ *) suite "${line#later }" ;; esac
done 3<"$parts/suites.list"

rm -rf "$parts"
echo "done after $(($(date +%s) - begin)) s; read $out/result.txt"
[ "$wrong" -eq 0 ]

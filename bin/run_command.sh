#!/bin/bash
# run_command.sh UNIT ATTEMPT CORES MEMORY SECONDS [SESSION RUN]: run a command line as STAGE_COMMAND
# laid it out.
#
# UNIT is that directory; memory is in bytes, and 0 seconds are no limit. SESSION and RUN are
# Nextflow's: an app that is run for many units has its scratch by the one, and a mark that it can't
# be started by the other, in the work directory. Leaves UNIT-ATTEMPT/ with
# run/ (where the command ran), log (what it said) and outcome (how it ended), and exits 0 whatever
# became of the command. The words of the command are no shell's: they are read as they are.
# shellcheck disable=SC2016  # for the shells that it starts
set -uo pipefail

unit=$(cd -P "$1" && pwd) id=${1##*/} attempt=$2 cores=$3 memory=$4 limit=$5
here=$PWD/$id-$attempt scratch=$PWD/scratch-$attempt pulled=$PWD/image-$attempt.sif
name=bossflow-$id-$attempt-$$
mkdir -p "$here/run/outputs" "$scratch"
mapfile -d '' -t words <"$unit/words"
mapfile -d '' -t tool <"$unit/tool"
pull=() engine=${tool[0]} image=${tool[1]} entrypoint=${tool[2]} sha256=${tool[3]}
# Of an app that is run for many units: its id, and the exit codes that are no failure.
app=${tool[4]:-} codes=${tool[5]:-0} work=$PWD/work stop=$PWD/never-started
licence=${tool[6]:-} # a file that is no part of what is made
if [ -n "$app" ]; then
    if [ $# -gt 6 ]; then
        all=$(cd -P ../.. && pwd) # which all tasks see
        work=$all/bossflow-scratch/$6/$id stop=$all/bossflow-never-started-$7-$app
    fi
    if [ -e "$stop" ]; then
        : >"$here/log"
        printf 'exit 127\nkilled no\nmemory %d\nlimit %d\nstopped yes\nseconds 0\n' "$memory" "$limit" >"$here/outcome"
        exit 0
    fi
    mkdir -p "$work" "$here/run/work"
    # where it finds things: a byte that no word has otherwise stands for these
    from=/bossflow/ out=/bossflow/outputs at=/bossflow/work permit=/bossflow/licence
    if [ "$engine" = none ]; then from=$unit/ out=$here/run/outputs at=$work permit=$licence; fi
    for i in "${!words[@]}"; do
        word=${words[i]//$'\1'inputs/"${from}inputs"}
        word=${word//$'\1'out/"$out"}
        word=${word//$'\1'work/"$at"}
        words[i]=${word//$'\1'licence/"$permit"}
    done
fi
if [ -d "$unit/outputs" ]; then cp -RLp "$unit/outputs/." "$here/run/outputs/"; fi
threads=(OMP_NUM_THREADS="$cores" OPENBLAS_NUM_THREADS="$cores" MKL_NUM_THREADS="$cores")
threads+=(ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="$cores" LANG=C.UTF-8)

# Microseconds by the clock, which bash knows from 5.0 on.
now() {
    local at=${EPOCHREALTIME:-}
    if [ -n "$at" ]; then echo "${at/[.,]/}"; else date +%s%6N; fi
}

# mount SOURCE TARGET [,readonly]: as docker and apptainer read it
mount() {
    printf 'type=bind,"source=%s","%s=%s"%s' "${1//\"/\"\"}" "$to" "$2" "${3:-}"
}

# mount_more: what an app has beside its view
mount_more() {
    if [ -n "$app" ]; then run+=(--mount "$(mount "$work" /bossflow/work)"); fi
    if [ -n "$licence" ]; then run+=(--mount "$(mount "$licence" /bossflow/licence ,readonly)"); fi
}

case $engine in
    none)
        ln -s "$unit/inputs" "$here/run/inputs"
        found=$(type -P -- "${words[0]}") && found=$(sha256sum <"$found") || found=
        run=(env -i PATH="$PATH" HOME="$scratch" TMPDIR="$scratch" "${threads[@]}"
            bash -c 'echo "$PPID" >"$1/../group" && cd -- "$1" && shift && exec -- "$@"'
            bash "$here/run" "${words[@]}")
        if [ -n "$sha256" ] && [ "${found%% *}" != "$sha256" ]; then
            run=(bash -c 'echo "$1 is another program here than where the run was started"; exit 126'
                bash "${words[0]}")
        fi
        ;;
    docker)
        to=target
        mkdir "$here/run/inputs"
        most=$(getconf _NPROCESSORS_ONLN) # docker refuses more
        run=(docker run --name "$name" --init --network none --user "$(id -u):$(id -g)"
            --cpus "$((cores < most ? cores : most))" --memory "$memory" --memory-swap "$memory"
            --mount "$(mount "$here/run" /bossflow)" --mount "$(mount "$scratch" /tmp)"
            --mount "$(mount "$unit/inputs" /bossflow/inputs ,readonly)"
            --workdir /bossflow --env HOME=/tmp --env TMPDIR=/tmp)
        mount_more
        for word in "${threads[@]}"; do run+=(--env "$word"); done
        if [ -n "$entrypoint" ]; then run+=(--entrypoint "$entrypoint"); fi
        pull=(bash -c 'docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1"'
            bash "$image")
        run+=("$image" "${words[@]}")
        ;;
    apptainer | singularity)
        to=destination
        mkdir "$here/run/inputs"
        run=(env -i PATH="$PATH" HOME="$HOME")
        for word in "${engine^^}_CACHEDIR" "${engine^^}_TMPDIR"; do # where images are put, by the user
            if [ -n "${!word:-}" ]; then run+=("$word=${!word}"); fi
        done
        if [[ $image == *://* ]]; then
            pull=("${run[@]}" "$engine" pull "$pulled" "$image")
            image=$pulled
        fi
        for word in TMPDIR=/tmp "${threads[@]}"; do run+=("${engine^^}ENV_$word"); done
        run+=("$engine" "$([ -n "$entrypoint" ] && echo exec || echo run)" --containall --no-eval
            --mount "$(mount "$here/run" /bossflow)" --mount "$(mount "$scratch" /tmp)"
            --mount "$(mount "$unit/inputs" /bossflow/inputs ,readonly)" --pwd /bossflow)
        mount_more
        run+=("$image")
        if [ -n "$entrypoint" ]; then run+=("$entrypoint"); fi
        run+=("${words[@]}")
        ;;
esac
# timeout has a process group of its own, which tells what the command started; 0 is no limit
if [ "$limit" -gt 0 ] || { [ "$engine" = none ] && type -P timeout >/dev/null; }; then
    run=(timeout --kill-after=30 "$limit" "${run[@]}")
fi

trap 'rm -rf "$scratch" "$pulled"; [ "$engine" != docker ] || docker rm --force "$name" >/dev/null 2>&1' EXIT
trap 'kill ${pid:+$(below "$pid")} 2>/dev/null; exit 143' TERM INT

# below PID: a process and all below it
below() {
    local todo=("$1") children
    while [ ${#todo[@]} -gt 0 ]; do
        echo "${todo[0]}"
        children=()
        read -r -a children <"/proc/${todo[0]}/task/${todo[0]}/children" # no line feed ends it
        todo=("${todo[@]:1}" "${children[@]}")
    done 2>/dev/null
}

# resident PID: bytes of memory of these
resident() {
    local pid kind value total=0
    for pid in $(below "$1"); do
        while read -r kind value _; do
            if [ "$kind" = VmRSS: ]; then total=$((total + value)); fi
        done <"/proc/$pid/status"
    done 2>/dev/null
    echo $((total * 1024))
}

# watch PID [FILE]: note in FILE the largest that `resident` says. Where this script was killed,
# nothing of it stays.
watch() {
    local root=$1 file=${2:-} own=$1 parent now peak=0 pause=0.1
    while sleep "$pause"; do
        read -r _ _ _ parent _ <"/proc/$BASHPID/stat"
        if [ "$parent" != $$ ]; then
            if [ "$engine" = docker ]; then docker rm --force "$name"; fi
            # shellcheck disable=SC2046,SC2086  # numbers
            kill -KILL $own $(below "$1")
            return
        fi
        own="$1 $(below "$1")"
        if [ -z "$file" ]; then continue; fi
        if [ "$engine" = docker ]; then
            root=$(docker inspect --format '{{.State.Pid}}' "$name") || continue
        fi
        now=$(resident "$root")
        if [ "$now" -gt "$peak" ]; then peak=$now && echo "$peak" >"$file"; fi
        pause=0.5
    done
}

# An image comes before the clock starts. Why it can't is in the log, before what the engine says.
if [ ${#pull[@]} -gt 0 ]; then
    "${pull[@]}" >"$here/log" 2>&1 </dev/null &
    pid=$!
    watch "$pid" >/dev/null 2>&1 &
    watcher=$!
    if wait "$pid"; then : >"$here/log"; fi
    kill "$watcher" 2>/dev/null
fi

TIMEFORMAT='%3U %3S'
start=$(now)
{ time "${run[@]}" >>"$here/log" 2>&1 </dev/null; } >/dev/null 2>"$here/times" &
pid=$!
watch "$pid" "$here/peak" >/dev/null 2>&1 &
watcher=$!
wait "$pid"
code=$?
seconds=$(($(now) - start))
kill "$watcher" 2>/dev/null
# What the command left running may write on into the user's files.
if [ -s "$here/group" ] && kill -KILL -- "-$(<"$here/group")" 2>/dev/null; then sleep 0.2; fi
# Inputs may be links to a user's own files: was one of these written to since it was looked at?
changed=$(find "$unit/inputs" -type f -links +1 -newermm "$unit/asks.json" \
    -newercm "$unit/asks.json" -print -quit 2>/dev/null)
changed+=$(find -L "$unit/inputs" -xtype l -newermm "$unit/asks.json" \
    -newercm "$unit/asks.json" -print -quit 2>/dev/null)

killed=no
if [ "$limit" -gt 0 ] && [ "$seconds" -ge "${limit}000000" ] && [[ $code =~ ^(124|137)$ ]]; then
    killed=late
elif [ "$code" = 137 ] || { [ "$code" != 0 ] && [ "$engine" = docker ] &&
    [ "$(docker inspect --format '{{.State.OOMKilled}}' "$name" 2>/dev/null)" = true ]; }; then
    killed=memory
elif [ "$code" -gt 128 ] && [ "$code" -le 192 ]; then
    killed=signal
fi
{
    echo "exit $code"
    echo "killed $killed"
    echo "memory $memory"
    echo "limit $limit"
    if [ -n "$changed" ]; then echo "changed yes"; fi
    printf 'seconds %d.%06d\n' $((seconds / 1000000)) $((seconds % 1000000))
    if [ "$engine" != docker ] && read -r user system < <(tail -n 1 "$here/times"); then
        user=$((10#${user/[.,]/} + 10#${system/[.,]/}))
        printf 'cpu %d.%03d\n' $((user / 1000)) $((user % 1000))
    fi
    if [ -s "$here/peak" ]; then echo "peak $(<"$here/peak")"; fi
    if [ -n "$app" ] && used=$(du -sk "$work" 2>/dev/null); then echo "work $((${used%%[^0-9]*} * 1024))"; fi
} >"$here/outcome"
if [ -n "$app" ]; then
    if [[ $code =~ ^12[567]$ && " $codes " != *" $code "* ]]; then touch "$stop"; fi
    # another attempt goes on where this one was killed
    if [[ $attempt -gt 1 || $killed =~ ^(no|late)$ ]]; then rm -rf "$work"; fi
fi
rm -f "$here/times" "$here/peak" "$here/group"
exit 0

#!/bin/bash
# What a container gets of this machine. Sourced by each task before its container starts
# (conf/mounts.config) with the secrets that it may know (by the start of their names), the directory
# where Nextflow was started, the store, and the sources; before these, as `dest:PLACE`, what it
# writes to.
#
# What `docker run` is told shows in `docker inspect`, and what `env` is told in `ps`. So the
# environment, in which secrets may be, goes in as a file in memory; the container's first bash reads
# it (BASH_ENV) and removes it. The functions stand before the commands that Nextflow calls.

bossflow_knows=$1 bossflow_launch=$2 bossflow_store=$3
shift 3
bossflow_sources=("$@")

# What a process may not know it loses, also one that runs in no container (RUN_COMMAND).
bossflow_forget() {
    case " $bossflow_knows " in *' BOSSDB_TOKEN '*) ;; *) unset BOSSDB_TOKEN ;; esac
    case " $bossflow_knows " in *' BOSSFLOW_SOURCE_ '*) ;; *) unset "${!BOSSFLOW_SOURCE_@}" ;; esac
    case " $bossflow_knows " in *' BOSSFLOW_DEST_ '*) ;; *) unset "${!BOSSFLOW_DEST_@}" ;; esac
    case " $bossflow_knows " in *' DJ_ '*) ;; *) unset "${!DJ_@}" ;; esac
}
bossflow_forget

# docker run ...
docker() {
    if [ "$1" != run ]; then
        command docker "$@"
        return
    fi
    shift
    local word mounted='' status=0
    for word in "$@"; do
        case $word in /*:/*) mounted+=$'\n'${word%:"${word%%:*}"*}$'\n' ;; esac # by Nextflow: -v /path:/path
    done
    bossflow_start docker "$@" || status=$?
    return "$status"
}

# env - NAME=VALUE ... apptainer exec ...
env() {
    local given=("$@") names=() mounted='' status=0
    while [ $# -gt 0 ] && [ "$1" != apptainer ] && [ "$1" != singularity ]; do
        case $1 in *ENV_BOSSDB_TOKEN=* | *ENV_DJ_*=* | *ENV_BOSSFLOW_SOURCE_*=* | *ENV_BOSSFLOW_DEST_*=* | *ENV_PIP_*=*) ;; *) names+=("$1") ;; esac
        shift
    done
    if [ $# -eq 0 ]; then
        command env "${given[@]}"
        return
    fi
    bossflow_start "$@" || status=$?
    return "$status"
}

# bossflow_start docker ARGUMENTS... | apptainer exec ARGUMENTS...
bossflow_start() {
    local engine=$1 status=0 wanted word mounts=() directory
    local home=${BOSSFLOW_HOME:-$HOME/.bossflow}
    case $home in /*) ;; \~/*) home=$HOME/${home#\~/} ;; *) home=$bossflow_launch/$home ;; esac
    shift

    wanted='HOME|BOSSFLOW_[A-Z_]+|AWS_[A-Z_0-9]+|GOOGLE_[A-Z_]+|BOSSDB_TOKEN|DJ_[A-Z_]+'
    case " $bossflow_knows " in *' PIP_ '*) wanted+='|PIP_[A-Z_]+' ;; esac # how pip reaches its index
    bossflow_forget # also of what came since, as Nextflow's secrets do
    bossflow_mounts "$engine" || return
    for directory in "${XDG_RUNTIME_DIR:-}" /dev/shm "${TMPDIR:-/tmp}"; do
        if [ -n "$directory" ] && [ -w "$directory" ]; then break; fi
    done
    directory=$(mktemp -d "$directory/bossflow.XXXXXX") || return
    (
        umask 077
        export BOSSFLOW_HOME=$home
        for name in $(compgen -e | grep -Ex "$wanted"); do declare -p "$name"; done
        # shellcheck disable=SC2016  # for the container's bash
        echo 'rm -f "$BASH_ENV"; unset BASH_ENV'
    ) >"$directory/environment"
    mounts+=(--mount "type=bind,source=$directory,target=/run/bossflow")
    (
        unset BOSSDB_TOKEN DJ_USER DJ_PASS "${!PIP_@}" "${!BOSSFLOW_SOURCE_@}" "${!BOSSFLOW_DEST_@}" # also where Nextflow says `-e NAME`
        if [ "$engine" = docker ]; then
            command docker run --env BASH_ENV=/run/bossflow/environment "${mounts[@]}" "$@"
        else
            command env "${names[@]}" "${engine^^}ENV_BASH_ENV=/run/bossflow/environment" \
                "$engine" "$1" "${mounts[@]}" "${@:2}"
        fi
    ) || status=$?
    rm -rf "$directory"
    return "$status"
}

# bossflow_mounts ENGINE: fill `mounts` with the same paths as here.
bossflow_mounts() {
    local path above real
    mkdir -p -- "$home" || return
    bossflow_mount "$home"
    path=$(bossflow_path "$bossflow_store") || return
    if [ -n "$path" ]; then
        mkdir -p -- "$path" || return
        bossflow_mount "$path"
    fi
    for path in ${bossflow_sources[@]+"${bossflow_sources[@]}"}; do # directories that are written to
        case $path in dest:*) path=$(bossflow_path "${path#dest:}") || return ;; *) continue ;; esac
        if [ -z "$path" ]; then continue; fi
        mkdir -p -- "$path" || return
        real=$(cd -P "$path" && pwd)
        bossflow_mount "$real"
        bossflow_mount "$real" '' "$(cd "$path" && pwd)"
    done
    if [[ "${bossflow_sources[*]-} " == *bossflow://* ]] && [ -f "$home/stores" ]; then
        while IFS= read -r path; do bossflow_mount "$path"; done <"$home/stores" # these may be in one
    fi
    # DataJoint looks for its settings from there up, to the end of the repository.
    # Apptainer would put it over the work directory below it.
    if [ "$1" = docker ]; then bossflow_mount "$bossflow_launch" readonly; fi
    above=$bossflow_launch
    while [ ! -e "$above/datajoint.json" ] && [ ! -e "$above/.git" ] && [ "$above" != / ]; do
        above=$(dirname "$above")
    done
    bossflow_mount "$above/datajoint.json" readonly
    if [ -z "$bossflow_store" ] && [ -e "$above/datajoint.json" ]; then # the store that it names
        path=$(tr -d '\n' <"$above/datajoint.json" |
            sed -n 's/.*"bossflow": *{[^}]*"location": *"\([^"\\]*\)".*/\1/p')
        path=$(bossflow_path "$path") || return
        if [ -n "$path" ]; then
            mkdir -p -- "$path" || return
            bossflow_mount "$path"
        fi
    fi
    bossflow_mount "$above/.secrets" readonly
    bossflow_mount "${BOSSFLOW_TLS_CA:-}" readonly
    case " $bossflow_knows " in
        *' PIP_ '*)
            for path in "${PIP_CONFIG_FILE:-}" {"$HOME"/{.config/pip,.pip},/etc}/pip.conf "${PIP_CERT:-}" ${PIP_FIND_LINKS:-}; do
                if [ -f "$path" ] || [ -d "$path" ]; then bossflow_mount "$path" readonly; fi
            done
            ;;
    esac
    case "$bossflow_store ${bossflow_sources[*]-}" in
        *s3://* | *gs://*)
            bossflow_mount "$HOME/.aws" readonly
            bossflow_mount "$HOME/.config/gcloud" readonly
            bossflow_mount "${GOOGLE_APPLICATION_CREDENTIALS:-}" readonly
            ;;
    esac
    # Where another project includes this pipeline, by its link `bossflow`, tasks look for ours there.
    above=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    real=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    if [ -e "$above/bossflow/bin" ] && [ ! "$above" -ef "$real" ]; then
        bossflow_mount "$real/bin" readonly
        bossflow_mount "$real/bin" readonly "$above/bossflow/bin"
        for path in "$above"/*/__init__.py; do bossflow_mount "$(dirname "$path")" readonly; done
    fi
    for path in ${bossflow_sources[@]+"${bossflow_sources[@]}"}; do
        case $path in s3://* | gs://* | dest:*) continue ;; esac
        url=${path#*://} path=${url#file://} # no sign in it stands for another
        case $path in *://*) continue ;; /*) ;; *) path=$bossflow_launch/$path ;; esac
        if [ ! -e "$path" ]; then path=${path%'#/'*}; fi # what follows is in the file
        if [ ! -e "$path" ]; then path=${path%'#'*}; fi # or a layer of a dataset
        # but in a URL that bossflow itself gave
        if [ "$url" != "${url#file://}" ] && [ ! -e "$path" ]; then path=$(printf %b "${path//\%/\\x}"); fi
        if [ -d "$path" ]; then
            real=$(cd -P "$path" && pwd)
            bossflow_mount "$real" readonly
            bossflow_mount "$real" readonly "$(cd "$path" && pwd)"
        elif [ -f "$path" ]; then
            bossflow_mount "$(realpath "$path")" readonly
            bossflow_mount "$(cd "$(dirname "$path")" && pwd)/$(basename "$path")" readonly
        fi
    done
}

# bossflow_path PLACE: the absolute path that a store names, if it is one.
bossflow_path() {
    local path=$1
    case $path in file://*) path=${path#file://} path=$(printf %b "${path//\%/\\x}") ;; esac
    case $path in
        '' | *://*) ;;
        /*) echo "$path" ;;
        \~/*) echo "$HOME/${path#\~/}" ;;
        \~*) echo "$path: write the path of that home in full" >&2; return 1 ;;
        *) echo "$bossflow_launch/$path" ;;
    esac
}

# bossflow_mount PATH [readonly [THERE]]: at the same path, or at THERE; unless it is not there, or lies
# in what is mounted already: what is readonly comes last, and must not cover what Nextflow mounts to
# write into.
bossflow_mount() {
    local path=${1%/} there=${3:-$1} above
    there=${there%/} above=$there
    case $path$there in *$'\n'*) return ;; esac
    case $there in '' | /tmp) return ;; esac
    if [ ! -e "$path" ]; then return; fi
    while [ -n "$above" ]; do
        case $mounted in *$'\n'"$above"$'\n'*) return ;; esac
        above=${above%/*}
    done
    mounted+=$'\n'$there$'\n'
    path=${path//\"/\"\"} there=${there//\"/\"\"}
    mounts+=(--mount "type=bind,\"source=$path\",\"target=$there\"${2:+,readonly}")
}

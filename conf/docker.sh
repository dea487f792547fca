#!/bin/bash
# What a container gets of this machine. Sourced by each task before `docker run` (conf/docker.config)
# with the directory where Nextflow was started, the store, and the sources.
#
# What `docker run` is told shows in `docker inspect`. So the environment, in which secrets may be,
# goes in as a file in memory; the container's first bash reads it (BASH_ENV) and removes it.

bossflow_launch=$1 bossflow_store=$2
shift 2
bossflow_sources=("$@")

docker() {
    if [ "$1" != run ]; then
        command docker "$@"
        return
    fi
    shift
    local status=0 names word mounts=() mounted='' directory
    local home=${BOSSFLOW_HOME:-$HOME/.bossflow}
    case $home in /*) ;; \~/*) home=$HOME/${home#\~/} ;; *) home=$bossflow_launch/$home ;; esac

    names='HOME|BOSSFLOW_[A-Z_]+|AWS_[A-Z_0-9]+|GOOGLE_[A-Z_]+'
    for word in "$@"; do
        case $word in
            bossflow/intern:* | */bossflow/intern:*) names="$names|BOSSDB_TOKEN" ;;
            bossflow/datajoint:* | */bossflow/datajoint:*) names="$names|DJ_[A-Z_]+" ;;
            /*:/*) mounted+=$'\n'${word%:"${word%%:*}"*}$'\n' ;; # by Nextflow: -v /path:/path
        esac
    done
    bossflow_mounts || return
    for directory in "${XDG_RUNTIME_DIR:-}" /dev/shm "${TMPDIR:-/tmp}"; do
        if [ -n "$directory" ] && [ -w "$directory" ]; then break; fi
    done
    directory=$(mktemp -d "$directory/bossflow.XXXXXX") || return
    (
        umask 077
        export BOSSFLOW_HOME=$home
        for name in $(compgen -e | grep -Ex "$names"); do declare -p "$name"; done
        # shellcheck disable=SC2016  # for the container's bash
        echo 'rm -f "$BASH_ENV"; unset BASH_ENV'
    ) >"$directory/environment"
    (
        unset BOSSDB_TOKEN DJ_USER DJ_PASS # also where Nextflow says `-e NAME`
        command docker run --env BASH_ENV=/run/bossflow/environment \
            --mount "type=bind,source=$directory,target=/run/bossflow" "${mounts[@]}" "$@"
    ) || status=$?
    rm -rf "$directory"
    return "$status"
}

# Fill `mounts`: the same paths as here.
bossflow_mounts() {
    local path above
    mkdir -p -- "$home" || return
    bossflow_mount "$home"
    path=$(bossflow_path "$bossflow_store") || return
    if [ -n "$path" ]; then
        mkdir -p -- "$path" || return
        bossflow_mount "$path"
    fi
    # DataJoint looks for its settings from there up, to the end of the repository.
    bossflow_mount "$bossflow_launch" readonly
    above=$bossflow_launch
    while [ ! -e "$above/datajoint.json" ] && [ ! -e "$above/.git" ] && [ "$above" != / ]; do
        above=$(dirname "$above")
    done
    bossflow_mount "$above/datajoint.json" readonly
    bossflow_mount "$above/.secrets" readonly
    case "$bossflow_store ${bossflow_sources[*]-}" in
        *s3://* | *gs://*)
            bossflow_mount "$HOME/.aws" readonly
            bossflow_mount "$HOME/.config/gcloud" readonly
            bossflow_mount "${GOOGLE_APPLICATION_CREDENTIALS:-}" readonly
            ;;
    esac
    for path in ${bossflow_sources[@]+"${bossflow_sources[@]}"}; do
        path=$(bossflow_path "${path#*://}") || return
        if [ -e "$path" ]; then
            bossflow_mount "$(realpath "$path")" readonly
            bossflow_mount "$path" readonly
        fi
    done
}

# bossflow_path PLACE: the absolute path that a store or a source names, if it is one.
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

# bossflow_mount PATH [readonly]: unless it is not there, or lies in what is mounted already: what is
# readonly comes last, and must not cover what Nextflow mounts to write into.
bossflow_mount() {
    local path=${1%/} above=${1%/}
    case $path in '' | /tmp | *$'\n'*) return ;; esac
    if [ ! -e "$path" ]; then return; fi
    while [ -n "$above" ]; do
        case $mounted in *$'\n'"$above"$'\n'*) return ;; esac
        above=${above%/*}
    done
    mounted+=$'\n'$path$'\n'
    path=${path//\"/\"\"}
    mounts+=(--mount "type=bind,\"source=$path\",\"target=$path\"${2:+,readonly}")
}

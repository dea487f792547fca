#!/usr/bin/env bash
# Set up bossflow in this clone: Python packages, Nextflow, database. Safe to run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. conf/set-up/nextflow.sh
. conf/set-up/docker.sh
. conf/set-up/demo.sh

usage() {
    cat <<'END'
Usage: ./set-up.sh [--docker [--workflow NAME]] [--demo] [--test [pytest arguments]]

Sets up .venv (Python packages and Nextflow) and a database. Then:
  . .venv/bin/activate      puts `nextflow` and `bossflow` on PATH

  --docker     build the images, and use docker compose's MySQL instead of the embedded PostgreSQL;
               runs go into containers with `nextflow run . -profile docker`
  --workflow   whose images: those that its processes run in (label)
  --demo       run the label workflow on a demo volume, and show what came of it
  --test       run the tests that need no more than this, in ten minutes; with --engines also those
               with MySQL, Docker, Slurm and S3, with --soak all (docs/testing.md)

Environment: BOSSFLOW_HOME (embedded database and default store, ~/.bossflow), PYTHON,
JAVA_HOME, and for --docker MYSQL_IMAGE, MYSQL_PORT and BASE_IMAGE.
END
}

main() {
    local docker=false demo=false test=false chosen=false workflows=(label)
    while [ $# -gt 0 ]; do
        case $1 in
            --docker) docker=true ;;
            --workflow)
                [ $# -gt 1 ] || die "--workflow needs a name"
                chosen=true workflows=("$2")
                shift
                ;;
            --demo) demo=true ;;
            --test) test=true; shift; break ;;
            --help | -h) usage; exit 0 ;;
            *) die "unknown argument $1; ./set-up.sh --help shows what there is" ;;
        esac
        shift
    done
    if "$demo"; then workflows+=(label); fi
    if "$docker"; then
        name_images "${workflows[@]}"
    elif "$chosen"; then
        die "--workflow says whose images --docker builds: it needs --docker"
    fi

    check_java
    if ! is_python .venv/bin/python; then find_python; fi
    local packages="run"
    if "$demo"; then packages="look"; fi
    if "$test"; then packages="test"; fi
    set_up_packages "$packages"
    set_up_nextflow
    PATH=$PWD/.venv/bin:$PATH
    if "$docker"; then
        check_docker
        build_images
        start_mysql
    else
        step "Database: start it, deploy the schema" bossflow db deploy ||
            failed "the database is not usable"
        tail -n 1 "$log"
    fi

    if "$demo"; then
        if "$docker"; then serve_demo_in_docker; else serve_demo; fi
        run_demo
    fi
    if "$test"; then
        if "$docker"; then
            (umask 077 && administrator_settings "$scratch/mysql")
            export BOSSFLOW_TEST_MYSQL=$scratch/mysql
        fi
        # a test waits for as long as it computes; --numprocesses 0 is one process, such as for --pdb
        python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile \
            --no-loadscope-reorder "$@"
    elif ! "$demo"; then
        echo "Ready: \`. .venv/bin/activate\`, then \`nextflow run . --help\`"; fi
}

# What the steps share

# Without a locale, Java reads and writes ASCII only: Nextflow's report would fail.
if [ "$(locale charmap 2>/dev/null)" != UTF-8 ]; then export LC_ALL=C.UTF-8; fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/bossflow-set-up.XXXXXX")
log=$scratch/log
archive=
archive_in_docker=false
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
TIMEFORMAT='%1R s'

clean_up() {
    if [ -n "$archive" ]; then
        kill "$archive" 2>/dev/null || true
        wait "$archive" || true
    fi
    if "$archive_in_docker"; then docker compose rm --stop --force archive >/dev/null 2>&1; fi
    rm -rf "$scratch"
}

die() {
    echo "set-up.sh: $1" >&2
    exit 1
}

# step WHAT COMMAND...: say what is done and how long it took; the output goes to the log.
step() {
    local took
    printf '%-52s ' "$1"
    shift
    if took=$({ time "$@" >"$log" 2>&1 </dev/null; } 2>&1); then
        echo "$took"
    else
        echo "$took, failed"
        return 1
    fi
}

# failed SENTENCE: show the end of what the last step said.
failed() {
    tail -n 20 "$log" >&2
    die "$1"
}

# how APT DNF BREW: the command that installs a package, by its name in each.
how() {
    local sudo='sudo '
    if [ "$(id -u)" -eq 0 ]; then sudo=; fi
    if command -v apt-get >/dev/null; then
        echo "${sudo}apt-get install $1"
    elif command -v dnf >/dev/null; then
        echo "${sudo}dnf install $2"
    elif command -v brew >/dev/null; then
        echo "brew install $3"
    else
        echo "install it with your system's package manager"
    fi
}

# apt_has PACKAGE: whether apt knows it.
apt_has() {
    command -v apt-cache >/dev/null && apt-cache show "$1" >/dev/null 2>&1
}

# limit SECONDS COMMAND...: run it; kill it and what it started when the time is over.
limit() {
    .venv/bin/python -c '
import contextlib, os, signal, subprocess, sys
seconds, command = float(sys.argv[1]), sys.argv[2:]
started = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
try:
    code = started.wait(seconds)
except subprocess.TimeoutExpired:
    sys.exit(f"{command[0]} did not finish in {seconds:g} s")
finally:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
sys.exit(code)' "$@"
}

# Prerequisites

check_java() {
    local home=${NXF_JAVA_HOME:-${JAVA_HOME:-}} version jre=openjdk-21-jre-headless
    version=$("${home:+$home/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') || true
    if [ "${version:-0}" -lt 17 ]; then
        apt_has "$jre" || jre=openjdk-17-jre-headless
        die "Nextflow needs Java 17 or later, here is ${version:-none}: $(
            how "$jre" java-21-openjdk-headless openjdk@21)"
    fi
}

is_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Leave in $python the first of the usual names that is recent enough.
find_python() {
    local package=python3
    for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if is_python "$python"; then
            "$python" -c 'import ensurepip, venv' 2>/dev/null && return
            package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            die "$python has no venv module: $(how "$package-venv" "$package" "${package/n/n@}")"
        fi
    done
    if apt_has python3.11; then package=python3.11; fi
    die "bossflow needs Python 3.11 or later: $(how "$package $package-venv" python3.12 python@3.12)"
}

# The steps

# set_up_packages run|look|test: install what the lock file names, then bossflow itself, in place.
set_up_packages() {
    if is_installed "$1"; then
        echo "Packages: there already"
        return
    fi
    if [ -n "${python:-}" ]; then
        step "Python: $("$python" -V 2>&1 | cut -d ' ' -f 2) in .venv" "$python" -m venv --clear .venv ||
            failed "the virtual environment .venv could not be made"
    fi
    step "Packages: those locked in requirements/$1.txt" install_packages "$1" ||
        failed "the Python packages could not be installed"
    step "Loops over voxels: compile them" env PYTHONPATH=bin .venv/bin/python -c \
        'from subjects import stepping
from voxels import kernels; from voxels.detection import compiled as searches
from voxels.meshes import compiled; from voxels.skeletons import compiled as skeletons
for one in kernels, searches, compiled, skeletons, stepping:
    one.compile_all()' ||
        failed "the loops over voxels could not be compiled"
    wanted "$1" >".venv/$1.installed"
}

install_packages() {
    local pip=".venv/bin/python -m pip --disable-pip-version-check --no-input install"
    # the lock files are whole, so pip need not look for what depends on what
    $pip --require-hashes -r requirements/build.txt &&
        $pip --no-deps --require-hashes --no-build-isolation --use-pep517 -r "requirements/$1.txt" &&
        $pip --no-deps --no-build-isolation --editable .
}

# What an installation depends on; its paths are absolute.
wanted() {
    pwd
    cat requirements/build.txt "requirements/$1.txt" pyproject.toml
}

# each of test.txt, look.txt and run.txt holds all of the next
is_installed() {
    [ -z "${python:-}" ] || return
    local kind
    for kind in test look run; do
        if wanted "$kind" | cmp -s - ".venv/$kind.installed"; then return; fi
        if [ "$kind" = "$1" ]; then return 1; fi
    done
}

main "$@"

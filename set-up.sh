#!/usr/bin/env bash
# Set up bossflow in this clone: Python packages, Nextflow, database. Safe to run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'END'
Usage: ./set-up.sh [--docker] [--demo] [--test [pytest arguments]]

Sets up .venv (Python packages and Nextflow) and a database. Then:
  . .venv/bin/activate      puts `nextflow` and `bossflow` on PATH

  --docker   build the images, and use docker compose's MySQL instead of the embedded PostgreSQL;
             runs go into containers with `nextflow run . -profile docker`
  --demo     run the label workflow on a demo volume, and show what came of it
  --test     run the tests that need no more than this, in ten minutes; with --engines also those
             with MySQL, Docker, Slurm and S3, with --soak all (docs/testing.md)

Environment: BOSSFLOW_HOME (embedded database and default store, ~/.bossflow), PYTHON,
JAVA_HOME, and for --docker MYSQL_IMAGE, MYSQL_PORT and BASE_IMAGE.
END
}

main() {
    local docker=false demo=false test=false
    while [ $# -gt 0 ]; do
        case $1 in
            --docker) docker=true ;;
            --demo) demo=true ;;
            --test) test=true; shift; break ;;
            --help | -h) usage; exit 0 ;;
            *) die "unknown argument $1; ./set-up.sh --help shows what there is" ;;
        esac
        shift
    done

    check_java
    if ! is_python .venv/bin/python; then find_python; fi
    if "$test"; then set_up_packages test; else set_up_packages run; fi
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

# set_up_packages run|test: install what the lock file names, then bossflow itself, in place.
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
        'from voxels.kernels import compile_all; compile_all()' ||
        failed "the loops over voxels could not be compiled"
    wanted "$1" >".venv/$1.installed"
}

install_packages() {
    local pip=".venv/bin/python -m pip --disable-pip-version-check --no-input install"
    $pip --require-hashes -r requirements/build.txt &&
        $pip --require-hashes --no-build-isolation --use-pep517 -r "requirements/$1.txt" &&
        $pip --no-deps --no-build-isolation --editable .
}

# What an installation depends on; its paths are absolute.
wanted() {
    pwd
    cat requirements/build.txt "requirements/$1.txt" pyproject.toml
}

# test.txt holds all of run.txt
is_installed() {
    [ -z "${python:-}" ] || return
    wanted "$1" | cmp -s - ".venv/$1.installed" ||
        { [ "$1" = run ] && wanted test | cmp -s - .venv/test.installed; }
}

# Nextflow from PATH, its own launcher or Maven Central: whichever works first.
set_up_nextflow() {
    if [ -x .venv/bin/nextflow ]; then
        echo "Nextflow: there already"
        return
    fi
    mkdir -p .venv/share
    if command -v nextflow >/dev/null; then
        step "Nextflow: the one on PATH, if 25.04 or later" nextflow_from_path && return
    fi
    step "Nextflow: the official launcher" nextflow_from_launcher && return
    command -v mvn >/dev/null ||
        die "Nextflow can't be downloaded from nextflow.io, and there is no Maven to get it from Maven Central: $(
            how maven maven maven)"
    step "Nextflow: from Maven Central" nextflow_from_maven ||
        failed "Nextflow could not be installed; put version 25.04 or later on PATH"
}

# is_nextflow COMMAND SECONDS: whether it starts and is 25.04 or later.
is_nextflow() {
    local version
    version=$(limit "$2" "$1" -v | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1\2/p')
    [ "${version:-0}" -ge 2504 ]
}

nextflow_from_path() {
    local found
    found=$(command -v nextflow) && is_nextflow "$found" 20 && ln -sf "$found" .venv/bin/nextflow
}

nextflow_from_launcher() {
    local new=.venv/share/nextflow.new
    curl -fsSL --connect-timeout 3 --max-time 20 -o "$new" https://get.nextflow.io &&
        chmod +x "$new" && is_nextflow "$new" 90 && mv "$new" .venv/bin/nextflow
}

nextflow_from_maven() {
    rm -rf .venv/share/nextflow
    mvn -q -B -f conf/nextflow/pom.xml dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$PWD/.venv/share/nextflow" &&
        cp conf/nextflow/nextflow .venv/bin/nextflow.new &&
        mv .venv/bin/nextflow.new .venv/bin/nextflow && is_nextflow .venv/bin/nextflow 60 &&
        keep_classes
}

# Let Java keep the classes that a run loads. Without them a run only starts more slowly.
keep_classes() {
    local classes=$PWD/.venv/share/nextflow/nextflow.jsa
    if (cd "$scratch" && NXF_OPTS="-XX:ArchiveClassesAtExit=$classes.new -Xlog:disable" \
        "$OLDPWD/.venv/bin/nextflow" -q run "$OLDPWD" -stub-run --source none); then
        mv "$classes.new" "$classes"
    fi
}

check_docker() {
    docker compose version >/dev/null 2>&1 ||
        die "--docker needs Docker with its Compose plugin: https://docs.docker.com/compose/install"
    docker info >/dev/null 2>&1 ||
        die "Docker does not answer: start it, or let $(id -un) use it (docker info says more)"
    if [ -n "${DJ_HOST:-}${DJ_USER:-}" ]; then
        die "DJ_HOST or DJ_USER is set, and DataJoint would use it instead of --docker's database: unset it"
    fi
}

# The images of this source, unless they are there; docker compose learns their tags.
build_images() {
    local tags line image images=()
    tags=$(containers/tags) || die "the images have no tags: containers/tags failed"
    while read -r line; do
        export "${line?}"
        image=${line%%_TAG=*}
        images+=("bossflow/$(tr "[:upper:]" "[:lower:]" <<<"$image"):${line#*=}")
    done <<<"$tags"
    if docker image inspect "${images[@]}" >/dev/null 2>&1; then
        echo "Images: there already"
        return
    fi
    pip_settings >"$scratch/pip.conf"
    VERSION=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' schema/bossflow/__init__.py) \
        PIP_CONFIG_FILE=$scratch/pip.conf REVISION=$(git rev-parse HEAD 2>/dev/null || echo none) \
        step "Images: build them" docker compose build ||
        failed "the images could not be built"
}

# How pip reaches its index from here, as a file for the builds. Certificates go with them.
pip_settings() {
    local settings
    settings=$(.venv/bin/python -m pip --disable-pip-version-check config list |
        sed -n "s/^[^=]*\.\([a-z-]*\)='\(.*\)'$/\1 = \2/p")
    export PIP_CERT
    PIP_CERT=$(sed -n 's/^cert = //p' <<<"$settings" | tail -n 1)
    echo '[global]'
    grep -E '^(index-url|extra-index-url|trusted-host|proxy|timeout) = ' <<<"$settings" || true
    if [ -n "$PIP_CERT" ]; then echo 'cert = /run/secrets/certificates'; fi
}

# MySQL in a container. Two passwords are made once: root's, in .env for docker compose, and that of
# the user bossflow, who may read and write rows only, in .secrets for DataJoint, which finds
# datajoint.json from here and from every directory below.
start_mysql() {
    (umask 077 && configure_mysql)
    # From here on .env counts, which the environment would override.
    unset MYSQL_ROOT_PASSWORD MYSQL_PORT
    step "MySQL: docker compose up" docker compose up -d --wait database ||
        failed "docker compose could not start the database (its port is MYSQL_PORT in .env)"
    step "Database: deploy the schema, make the user bossflow" deploy_as_root ||
        failed "the database is not usable"
    tail -n 1 "$log"
}

configure_mysql() {
    local port password=.secrets/database.password
    if ! grep -qs '^MYSQL_ROOT_PASSWORD=' .env; then
        printf 'MYSQL_ROOT_PASSWORD=%s\nMYSQL_PORT=%s\n' "$(random)" "${MYSQL_PORT:-3306}" >>.env
    fi
    port=$(sed -n 's/^MYSQL_PORT=//p' .env)
    mkdir -p .secrets
    # Earlier versions gave DataJoint the password of root.
    if [ ! -s "$password" ] || [ "$(cat "$password")" = "$(root_password)" ]; then
        random >"$password"
    fi
    python - "${port:-3306}" "${BOSSFLOW_HOME:-$HOME/.bossflow}/store" <<'END' ||
import json, os, sys
from pathlib import Path

port, store = int(sys.argv[1]), os.path.abspath(sys.argv[2])
own = {"backend": "mysql", "host": "127.0.0.1", "port": port, "user": "bossflow"}
file = Path("datajoint.json")
settings = json.loads(file.read_text()) if file.exists() else {"database": own}
# earlier versions gave DataJoint root's name
if settings.get("database", {}) | {"user": "bossflow"} != own:
    sys.exit(1)
settings["database"] = own
settings.setdefault("stores", {}).setdefault("bossflow", {"protocol": "file", "location": store})
file.write_text(json.dumps(settings, indent=1) + "\n")
END
        die "datajoint.json names another database than --docker's: move it out of the way"
}

random() {
    python -c 'import secrets; print(secrets.token_hex(20))'
}

root_password() {
    sed -n 's/^MYSQL_ROOT_PASSWORD=//p' .env
}

deploy_as_root() {
    DJ_USER=root DJ_PASS=$(root_password) \
        bossflow db deploy --grant bossflow --password-file .secrets/database.password
}

# administrator_settings DIRECTORY: DataJoint's for root, as tests make schemas of their own.
administrator_settings() {
    mkdir -p "$1/.secrets"
    root_password >"$1/.secrets/database.password"
    sed 's/"user": "bossflow"/"user": "root"/' datajoint.json >"$1/datajoint.json"
}

# The demo: a volume of our own, served like BossDB on a free port; leaves its address in $host.

serve_demo() {
    local ready=$scratch/archive.json
    bossflow serve-archive --demo --ready-file "$ready" >"$scratch/archive.log" 2>&1 &
    archive=$!
    step "Demo: serve a volume like BossDB" wait_for "$ready" "$archive" || {
        cat "$scratch/archive.log" >&2
        die "the demo archive did not start"
    }
    host=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["host"])' "$ready")
    profile=
}

serve_demo_in_docker() {
    archive_in_docker=true
    step "Demo: serve a volume like BossDB" docker compose --profile demo up -d --wait archive ||
        failed "the demo archive did not start"
    host=http://$(docker compose --profile demo port archive 8000)
    profile=docker
}

# run_demo: the label workflow on it.
run_demo() {
    local request volume components
    nextflow run . ${profile:+-profile "$profile"} -params-file params/demo.yml -with-report \
        --bossdb_host "$host" || die "the demo run failed"

    IFS=, read -r request _ volume components _ < <(sed -n 2p results/requests.csv)
    echo
    bossflow status
    printf '\nThe first components of request %s:\n' "$request"
    bossflow components "$request" | sed -n 1,6p | cut -c -91
    cat <<END

Where to look
  $volume
                      the segmentation, a Neuroglancer precomputed volume
  $components
                      its components
  results/reports/    Nextflow's report, timeline, trace and DAG

What to try next
  ./set-up.sh ${profile:+--docker }--demo   again: nothing is computed
  . .venv/bin/activate          then
  bossflow components $request --format csv --output components.csv
  python -c "import bossflow; print(bossflow.Segmentation.Component() & 'voxel_count > 100000')"
END
}

# wait_for FILE PID: wait until the process has written the file.
wait_for() {
    until [ -s "$1" ]; do
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
}

main "$@"

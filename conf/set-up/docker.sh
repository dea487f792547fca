#!/usr/bin/env bash
# set-up.sh --docker: images, and MySQL in a container.
# shellcheck disable=SC2154 # log and scratch are set-up.sh's

check_docker() {
    docker compose version >/dev/null 2>&1 ||
        die "--docker needs Docker with its Compose plugin: https://docs.docker.com/compose/install"
    docker info >/dev/null 2>&1 ||
        die "Docker does not answer: start it, or let $(id -un) use it (docker info says more)"
    if [ -n "${DJ_HOST:-}${DJ_USER:-}" ]; then
        die "DJ_HOST or DJ_USER is set, and DataJoint would use it instead of --docker's database: unset it"
    fi
}

# name_images WORKFLOW...: leave in $images those that their processes run in; docker compose learns
# the tags.
name_images() {
    local tags line image
    tags=$(containers/tags --workflow "$@" 2>"$log") || die "$(sed 's/^containers\/tags: //' "$log")"
    images=()
    while read -r line; do
        export "${line?}"
        image=${line%%_TAG=*}
        images+=("bossflow/$(tr "[:upper:]" "[:lower:]" <<<"$image"):${line#*=}")
    done <<<"$tags"
}

# Those of this source, unless they are there.
build_images() {
    local services=("${images[@]%:*}")
    if docker image inspect "${images[@]}" >/dev/null 2>&1; then
        echo "Images: there already"
        return
    fi
    pip_settings >"$scratch/pip.conf"
    VERSION=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' schema/bossflow/__init__.py) \
        PIP_CONFIG_FILE=$scratch/pip.conf REVISION=$(git rev-parse HEAD 2>/dev/null || echo none) \
        step "Images: build them" docker compose build "${services[@]#bossflow/}" ||
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

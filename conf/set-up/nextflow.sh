#!/usr/bin/env bash
# set-up.sh: Nextflow.
# shellcheck disable=SC2154 # scratch is set-up.sh's

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
    step "Nextflow: from Maven Central instead" nextflow_from_maven ||
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

#!/usr/bin/env bash
# set-up.sh --demo: a volume of our own, served like BossDB, and the label workflow on it.
# shellcheck disable=SC2034,SC2154 # scratch and archive_in_docker are set-up.sh's

# Each serves on a free port, and leaves its address in $host.

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

    # of a run with nothing to do, none is made
    [ -e results/index.html ] || bossflow page --output results/index.html
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
  bossflow view $request        the components in Neuroglancer; with the image as well:
  bossflow serve-archive --demo --port 8600   in another terminal, and
  bossflow view $request --bossdb-host http://127.0.0.1:8600

All of it on one page, with pictures: open in a browser
  file://$PWD/results/index.html
END
}

# wait_for FILE PID: wait until the process has written the file.
wait_for() {
    until [ -s "$1" ]; do
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
}

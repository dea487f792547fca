#!/bin/sh
# Write the lock files again from pyproject.toml; newer versions with `--upgrade`. Needs uv.
# look.txt and test.txt hold all of run.txt in the same versions; build.txt what building needs.
set -eu
cd "$(dirname "$0")/.."

lock() {
    output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --custom-compile-command requirements/lock.sh \
        --output-file "requirements/$output" "$@"
}

lock build.txt "$@" requirements/build.in
lock run.txt "$@" --extra formats pyproject.toml
lock look.txt "$@" --extra look --extra formats --constraint requirements/run.txt pyproject.toml
lock test.txt "$@" --extra test --extra look --extra formats --extra codecs --extra search \
    --extra tractography --constraint requirements/run.txt --override requirements/overrides.in pyproject.toml
lock ../containers/aws/requirements.txt "$@" containers/aws/requirements.in
lock ../containers/sbom/requirements.txt "$@" containers/sbom/requirements.in
for image in containers/*/Dockerfile; do
    image=${image%/Dockerfile}
    lock "../$image/requirements.txt" "$@" --constraint requirements/run.txt "$image/requirements.in"
done

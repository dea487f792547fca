#!/bin/sh
# Put Docker's Compose plugin into DIRECTORY, from Debian trixie; this machine's own apt lists and
# packages stay as they are.
set -eu
directory=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/sources" "$work/lists/partial" "$directory"
# The machine's own mirror, another suite.
sed '/^$/,$d; s/^Suites:.*/Suites: trixie/' /etc/apt/sources.list.d/debian.sources \
    >"$work/sources/trixie.sources"
set -- -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" \
    -o "Dir::State::lists=$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Sandbox::User=root
apt-get "$@" update
(cd "$work" && apt-get "$@" download docker-compose && dpkg -x docker-compose_*.deb .)
cp "$work/usr/libexec/docker/cli-plugins/docker-compose" "$directory/"

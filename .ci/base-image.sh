#!/bin/sh
# Make the image NAME that stands in for python:3.11-slim-bookworm where no image can be pulled: a
# minimal Debian bookworm with Python and the certificates that this machine trusts.
# Needs root, debootstrap and a running Docker.
set -eu
name=$1
tree=$(mktemp -d)
# A debootstrap that was interrupted leaves /proc mounted in the tree.
trap 'umount -q "$tree/proc" "$tree/sys" || true; rm -rf --one-file-system "$tree"' EXIT

debootstrap --variant=minbase --include=python3,python3-venv,procps,ca-certificates \
    bookworm "$tree" >"$tree.log" 2>&1 ||
    { tail -n 20 "$tree.log" >&2; exit 1; }
rm -f "$tree.log"
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
tar -C "$tree" -c --one-file-system --exclude=./var/cache/apt --exclude=./var/lib/apt --exclude=./usr/share/doc . |
    docker import -c 'CMD ["python3"]' - "$name" >/dev/null

#!/bin/sh
# Make the image NAME that stands in for mysql:8.4 where no image can be pulled: a real MySQL
# server from Debian unstable (the only Debian that has one) in a minimal tree.
# Needs root, debootstrap and a running Docker.
set -eu
name=$1
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
# A debootstrap that was interrupted leaves /proc mounted in the tree.
trap 'umount -q "$tree/proc" "$tree/sys" || true; rm -rf --one-file-system "$tree"' EXIT

debootstrap --variant=minbase --include=mysql-server-core,mysql-client-core sid "$tree" >"$tree.log" 2>&1 ||
    { tail -n 20 "$tree.log" >&2; exit 1; }
rm -f "$tree.log"
chroot "$tree" useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin mysql
for directory in /var/lib/mysql /var/lib/mysql-files /run/mysqld; do
    chroot "$tree" install -d -o mysql -g mysql -m 0755 "$directory"
done
install -m 0755 "$here/mysql-entrypoint.sh" "$tree/usr/local/bin/mysql-entrypoint.sh"
tar -C "$tree" -c --one-file-system --exclude=./var/cache/apt --exclude=./var/lib/apt --exclude=./usr/share/doc . |
    docker import -c 'ENTRYPOINT ["/usr/local/bin/mysql-entrypoint.sh"]' -c 'VOLUME /var/lib/mysql' \
        -c 'EXPOSE 3306' - "$name" >/dev/null

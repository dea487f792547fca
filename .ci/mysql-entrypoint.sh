#!/bin/sh
# Entry point of the MySQL stand-in image (see mysql-image.sh): what the official image does with
# MYSQL_ROOT_PASSWORD or MYSQL_ROOT_PASSWORD_FILE, and no more. The password goes into an init
# file, never on a command line.
set -eu
data=/var/lib/mysql
init=/run/mysqld/init.sql
umask 077
if [ ! -d "$data/mysql" ]; then
    mysqld --initialize-insecure --user=mysql --datadir="$data"
fi
if [ -n "${MYSQL_ROOT_PASSWORD_FILE:-}" ]; then
    MYSQL_ROOT_PASSWORD=$(cat "$MYSQL_ROOT_PASSWORD_FILE")
fi
cat >"$init" <<SQL
CREATE USER IF NOT EXISTS root@'%';
ALTER USER root@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
chown mysql "$init"
# No test cuts the power: a commit need not wait for the disk.
exec mysqld --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 --user=mysql --datadir="$data" --bind-address=0.0.0.0 --init-file="$init" "$@"

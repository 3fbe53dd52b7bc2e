#!/bin/sh
# Sees that the servers are there of which tests and benchmarks start their own, and the library
# that tells a client of theirs a wrong time; installs what is missing, or names it.

set -eu
PATH=$PATH:/usr/sbin

runs() {
    "$@" >/dev/null 2>&1 </dev/null
}

# Debian keeps PostgreSQL's programs off PATH.
has_postgres() {
    for folder in "$(pg_config --bindir 2>/dev/null || :)" /usr/lib/postgresql/*/bin; do
        ! runs "$folder/initdb" --version || return 0
    done
    return 1
}

has_faketime() {
    for library in "${LIBRARIES:-/usr}"/lib*/*/faketime/libfaketime.so.1 \
        "${LIBRARIES:-/usr}"/lib*/faketime/libfaketime.so.1; do
        [ ! -e "$library" ] || return 0
    done
    return 1
}

set --
runs redis-server --version || set -- "$@" redis-server
has_postgres || set -- "$@" postgresql
runs pgbouncer --version || set -- "$@" pgbouncer
runs openssl version || set -- "$@" openssl # makes their certificates
has_faketime || set -- "$@" libfaketime
[ $# -eq 0 ] || exec "$(dirname "$0")/install.sh" "$@"

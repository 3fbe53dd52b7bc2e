#!/bin/sh
# Installs Debian packages when root, and names them otherwise.
#
# usage: scripts/install.sh PACKAGE...
#
# No service of a new package is started: what runs here starts servers of its own.

set -eu

if [ "$(id -u)" -ne 0 ] || ! apt-get --version >/dev/null 2>&1; then
    echo "dev: missing programs; install the Debian packages: $*" >&2
    exit 1
fi

# Debian asks this program before it starts a service; 101 is no. One that is there already
# belongs to the machine, and keeps its say.
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "dev: apt-get install $*"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"

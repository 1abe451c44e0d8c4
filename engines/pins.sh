# The engines the tests judge by: what we install, and the oldest one already on a machine that will do.
# Sourced by install.sh; nothing else names an engine's version, except the go.mod of kubernetes and of istiod.
#
# Debian keeps one version per suite. A pin it no longer has is reported and its successor taken: the tests say
# whether that is harmless. shellcheck disable=SC2034

DEBIAN_MIRROR=http://deb.debian.org/debian
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Static Go programs: a later suite's package runs on any Debian with glibc >= 2.34, and stable's are years behind.
GO_PROGRAMS_SUITE=forky
ETCD_PIN=3.5.30          ETCD_MINIMUM=3.5           # Kubernetes 1.34 and later expect etcd 3.5's watch progress
PROMETHEUS_PIN=3.5.3     PROMETHEUS_MINIMUM=3.5     # the newest long-term release line
ALERTMANAGER_PIN=0.33.1  ALERTMANAGER_MINIMUM=0.28  # matchers in UTF-8 mode, as Prometheus 3 writes them

# Dynamically linked: from the machine's own suite, so that they meet the libraries they were built with.
REDIS_MINIMUM=7.0
POSTGRESQL_MINIMUM=15

# The MCP conformance suite, from npm: the lock file beside its package.json pins what it needs.
CONFORMANCE_PIN="$(sed -nE 's|^.*"@modelcontextprotocol/conformance": "([^"]+)".*$|\1|p' "$(dirname "${BASH_SOURCE[0]}")/conformance/package.json")"

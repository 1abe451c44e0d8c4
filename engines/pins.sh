# Versions of the engines that the tests use: the pin to install, and the minimum to accept if already present.
# Sourced by install.sh. Only this file and the go.mod files name engine versions.
#
# Debian keeps one version per suite. If it no longer has a pin, the script reports this and installs the successor; the
# tests show whether it is compatible. shellcheck disable=SC2034

DEBIAN_MIRROR=http://deb.debian.org/debian
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Static Go programs: a later suite's package runs on any Debian with glibc >= 2.34; stable has versions that are years old.
GO_PROGRAMS_SUITE=forky
ETCD_PIN=3.5.30          ETCD_MINIMUM=3.5           # Kubernetes 1.34 and later expect etcd 3.5's watch progress
PROMETHEUS_PIN=3.5.3     PROMETHEUS_MINIMUM=3.5     # the newest long-term release line
ALERTMANAGER_PIN=0.33.1  ALERTMANAGER_MINIMUM=0.28  # matchers in UTF-8 mode, as Prometheus 3 writes them

# Dynamically linked: from the machine's own suite, to match the libraries that they were built with.
REDIS_MINIMUM=7.0
POSTGRESQL_MINIMUM=15
CHROMIUM_MINIMUM=140

# The MCP conformance suite, from npm: the lock file beside its package.json pins its dependencies.
CONFORMANCE_PIN="$(sed -nE 's|^.*"@modelcontextprotocol/conformance": "([^"]+)".*$|\1|p' "$(dirname "${BASH_SOURCE[0]}")/conformance/package.json")"

# Keycloak, from Maven Central: the newest release that was published there with the distribution; it runs on Java 21 or newer.
KEYCLOAK_PIN=26.7.3      KEYCLOAK_JAVA_MINIMUM=21
KEYCLOAK_SHA256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
# Client ID metadata documents are the registration that MCP clients prefer.
KEYCLOAK_BUILD=(--db=dev-file --cache=local --health-enabled=true --features=cimd)

# The MCP Inspector, from npm, as the lock file beside its package.json pins it.
INSPECTOR_PIN="$(sed -nE 's|^.*"@modelcontextprotocol/inspector(-client)?": "([^"]+)".*$|\2|p' "$(dirname "${BASH_SOURCE[0]}")/inspector/package.json" | paste -sd' ' | sed 's/ / and /')"

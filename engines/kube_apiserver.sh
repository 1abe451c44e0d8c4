# Builds the API server from its Go module (engines/kube-apiserver). Sourced by install.sh.

KUBE_APISERVER_SOURCE="$(dirname "${BASH_SOURCE[0]}")/kube-apiserver"
KUBE_APISERVER_PIN="$(sed -nE 's|^.*k8s\.io/kubernetes v([0-9.]+)$|\1|p' "$KUBE_APISERVER_SOURCE/go.mod")"

# The release scripts stamp the version in at link time; without it the server takes itself for v0.0.0 and refuses
# to work out which feature gates it has.
build_kube_apiserver() {
    local package=k8s.io/component-base/version
    local major="${KUBE_APISERVER_PIN%%.*}" rest="${KUBE_APISERVER_PIN#*.}"
    # Two packages at a time: about 3 GB of memory at the most, the linker's share included.
    nice go build -C "$KUBE_APISERVER_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/kube-apiserver" \
        -ldflags "-s -w -X $package.gitVersion=v$KUBE_APISERVER_PIN -X $package.gitMajor=$major \
            -X $package.gitMinor=${rest%%.*} -X $package.gitTreeState=clean" .
}

# Builds the API server and the controller manager from their Go module (engines/kubernetes). Sourced by install.sh.

KUBERNETES_SOURCE="$(dirname "${BASH_SOURCE[0]}")/kubernetes"
KUBERNETES_PIN="$(sed -nE 's|^.*k8s\.io/kubernetes v([0-9.]+)$|\1|p' "$KUBERNETES_SOURCE/go.mod")"

# build_kubernetes PROGRAM: sets the version at link time, as the release scripts do. Without it the version is v0.0.0,
# and the program fails to compute its feature gates.
build_kubernetes() {
    local package=k8s.io/component-base/version
    local major="${KUBERNETES_PIN%%.*}" rest="${KUBERNETES_PIN#*.}"
    # Two packages at a time: at most about 3 GB of memory, including the linker.
    nice go build -C "$KUBERNETES_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/$1" \
        -ldflags "-s -w -X $package.gitVersion=v$KUBERNETES_PIN -X $package.gitMajor=$major \
            -X $package.gitMinor=${rest%%.*} -X $package.gitTreeState=clean" "./$1"
}

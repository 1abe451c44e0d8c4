# Builds the API server and the controller manager from their Go module (engines/kubernetes). Sourced by install.sh.

KUBERNETES_SOURCE="$(dirname "${BASH_SOURCE[0]}")/kubernetes"
KUBERNETES_PIN="$(sed -nE 's|^.*k8s\.io/kubernetes v([0-9.]+)$|\1|p' "$KUBERNETES_SOURCE/go.mod")"

# build_kubernetes PROGRAM: the release scripts stamp the version in at link time; without it a program takes itself
# for v0.0.0 and refuses to work out which feature gates it has.
build_kubernetes() {
    local package=k8s.io/component-base/version
    local major="${KUBERNETES_PIN%%.*}" rest="${KUBERNETES_PIN#*.}"
    # Two packages at a time: about 3 GB of memory at the most, the linker's share included.
    nice go build -C "$KUBERNETES_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/$1" \
        -ldflags "-s -w -X $package.gitVersion=v$KUBERNETES_PIN -X $package.gitMajor=$major \
            -X $package.gitMinor=${rest%%.*} -X $package.gitTreeState=clean" "./$1"
}

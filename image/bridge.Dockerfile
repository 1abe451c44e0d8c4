# The images of the bridge, on top of the runtime's image. Targets: `bridge` (with the stdio launcher; the default is the
# last), `bridge-npm` (with Node) and `bridge-pypi` (with uv). Context: image/. docs/how-to/image.md
ARG RUNTIME_IMAGE
ARG GO_IMAGE=golang:1.26
ARG NODE_IMAGE=node:22-slim
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.9

FROM ${GO_IMAGE} AS launcher
COPY stdio-launcher /source
RUN CGO_ENABLED=0 go build -C /source -trimpath -buildvcs=false -ldflags "-s -w" -o /stdio-launcher .

FROM ${NODE_IMAGE} AS node

FROM ${UV_IMAGE} AS uv

FROM ${RUNTIME_IMAGE} AS base
COPY --from=launcher /stdio-launcher /usr/local/bin/stdio-launcher
CMD ["python", "-m", "meshed_mcp.agents.bridge"]

# An init container of the pod installs the package with npm or uv; the bridge starts its executable.
FROM base AS bridge-npm
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
USER 0:0
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && \
    ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
USER 65532:65532
ENV HOME=/data TMPDIR=/data

FROM base AS bridge-pypi
COPY --from=uv /uv /uvx /usr/local/bin/
ENV HOME=/data TMPDIR=/data

FROM base AS bridge

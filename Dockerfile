# The runtime and the services of this repository; the stack's `command` chooses one. The last stage is the default.
# Targets for the bridge: `bridge` (with the stdio launcher), `bridge-npm` (with Node), `bridge-pypi` (with uv).
# docs/how-to/image.md
ARG PYTHON_IMAGE=python:3.11-slim
ARG GO_IMAGE=golang:1.26
ARG NODE_IMAGE=node:22-slim
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.9

FROM ${GO_IMAGE} AS launcher
COPY image/stdio-launcher /source
RUN CGO_ENABLED=0 go build -C /source -trimpath -buildvcs=false -ldflags "-s -w" -o /stdio-launcher .

FROM ${NODE_IMAGE} AS node

FROM ${UV_IMAGE} AS uv

FROM ${PYTHON_IMAGE} AS build
COPY . /source
RUN /source/image/layer.sh /source /app

FROM ${PYTHON_IMAGE} AS runtime
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip
COPY --from=build /app /app
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1
WORKDIR /app
USER 65532:65532
EXPOSE 8000 9464
CMD ["python", "-m", "meshed_mcp.agents.services.template"]

FROM runtime AS bridge
COPY --from=launcher /stdio-launcher /usr/local/bin/stdio-launcher
CMD ["python", "-m", "meshed_mcp.agents.bridge"]

# Packages are downloaded to HOME at the first start: the only writable folder of the pod.
FROM bridge AS bridge-npm
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
USER 0:0
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
USER 65532:65532
ENV HOME=/data TMPDIR=/data

FROM bridge AS bridge-pypi
COPY --from=uv /uv /uvx /usr/local/bin/
ENV HOME=/data TMPDIR=/data

FROM runtime

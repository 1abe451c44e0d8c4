# The runtime and the services of this repository; the stack's `command` chooses one. docs/how-to/image.md
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
COPY . /source
RUN /source/image/layer.sh /source /app

FROM ${PYTHON_IMAGE}
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip
COPY --from=build /app /app
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1
WORKDIR /app
USER 65532:65532
EXPOSE 8000 9464
CMD ["python", "-m", "meshed_mcp.agents.services.template"]

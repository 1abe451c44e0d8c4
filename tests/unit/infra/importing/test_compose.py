"""Compose files: servers, databases, commands, ports, variables, files, volumes, health checks and sizes."""

from typing import Any

import pytest

from tests.unit.infra.importing.importer import issues_of, lines_of, report_of, service_of, services_of

COMPOSE = """
    x-common: &common
      restart: unless-stopped
    services:
      db:
        image: postgres:16
      search:
        <<: *common
        image: ghcr.io/example/search-mcp:${TAG:-1.4.0}
        command: --transport streamable-http --api-key ${SEARCH_KEY}
        ports: ["127.0.0.1:9000:8080"]
        environment:
          LOG_LEVEL: info
          DATABASE_URL: postgres://app:hunter2@db:5432/app
          REGION: ${REGION}
          PAGE_SIZE: 20
          DEBUG: true
        env_file: .env
        volumes: ["cache:/var/cache/search", "./config:/etc/search:ro", "/var/run/docker.sock:/var/run/docker.sock"]
        secrets: [signing, {source: cert, target: /tls/cert.pem}]
        healthcheck: {test: [CMD, curl, -f, "http://localhost:8080/healthz"]}
        depends_on: {db: {condition: service_healthy}, notes: {condition: service_started}}
        deploy: {replicas: 3, resources: {limits: {cpus: "0.50", memory: 256M}, reservations: {memory: 64M}}}
        user: "1000:1000"
      notes:
        image: example/notes:2
        stdin_open: true
        entrypoint: [python, -m, notes]
        environment: ["NOTES_DIR=/notes", NOTES_TOKEN]
        tmpfs: /scratch
    secrets:
      signing: {file: ./signing.key}
      cert: {external: true}
    volumes: {cache: }
"""

SEARCH = {
    "image": "ghcr.io/example/search-mcp:1.4.0",
    "runtime": "external",
    "args": ["--transport", "streamable-http", "--api-key", "$(SEARCH_API_KEY)"],
    "port": 8080,
    "env": {"LOG_LEVEL": "info", "PAGE_SIZE": "20", "DEBUG": "true"},
    "secret_env": {
        "SEARCH_API_KEY": {"secret": "search-credentials", "key": "SEARCH_API_KEY"},
        "DATABASE_URL": {"secret": "search-credentials", "key": "DATABASE_URL"},
    },
    "env_from": [{"secretRef": {"name": "search-env"}}],
    "resources": {"memory": "64Mi", "cpu_limit": "500m", "memory_limit": "256Mi"},
    "probes": {"http": "/healthz"},
    "volumes": [
        {"name": "search-signing", "secret": {"secretName": "search-signing"}},
        {"name": "cert", "secret": {"secretName": "cert"}},
        {"name": "search-cache", "persistentVolumeClaim": {"claimName": "search-cache"}},
    ],
    "volume_mounts": [
        {"name": "search-signing", "mountPath": "/run/secrets/signing", "subPath": "signing", "readOnly": True},
        {"name": "cert", "mountPath": "/tls/cert.pem", "subPath": "cert", "readOnly": True},
        {"name": "search-cache", "mountPath": "/var/cache/search"},
    ],
    "scaling": {"min_replicas": 3},
    "run_as_user": 1000,
}


def test_services_of_compose_become_services() -> None:
    """Compose Specification, "Services": `entrypoint` is the command of a container, `command` its arguments."""
    found = services_of(COMPOSE)
    assert found["search"] == SEARCH
    assert found["notes"] == {
        "image": "example/notes:2",
        "transport": "stdio",
        "command": ["python", "-m", "notes"],
        "callers": ["search"],
        "env": {"NOTES_DIR": "/notes"},
        "secret_env": {"NOTES_TOKEN": {"secret": "notes-credentials", "key": "NOTES_TOKEN"}},
        "volumes": [{"name": "volume-scratch", "emptyDir": {}}],
        "volume_mounts": [{"name": "volume-scratch", "mountPath": "/scratch"}],
    }


def test_the_program_accepts_the_services_of_compose() -> None:
    """Requirement IMP-1: what is written is a valid stack."""
    assert issues_of(report_of(COMPOSE)) == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("mcp.json:5: services.db", "the server is left out: its image is that of a database"),
        ("mcp.json:7: services.search.restart", "Kubernetes does this for every pod"),
        ("mcp.json:15: services.search.environment.REGION", "set search.env.REGION"),
        ("mcp.json:18: services.search.env_file", "is in the Secret search-env"),
        ("mcp.json:19: services.search.volumes[0]", "create the PersistentVolumeClaim search-cache"),
        ("mcp.json:19: services.search.volumes[1]", "it is a folder or file of this machine"),
        ("mcp.json:19: services.search.volumes[2]", "it gives control of the machine"),
        ("mcp.json:22: services.search.depends_on", "set search.cluster_dependencies"),
    ],
)
def test_what_compose_has_and_a_stack_has_not_is_listed(place: str, text: str) -> None:
    """Requirement IMP-2: each line names the place in the file, the reason and what to do."""
    assert [line for line in lines_of(COMPOSE) if f": {place}: " in line and text in line]


def test_files_become_secrets_by_commands() -> None:
    """Kubernetes, "kubectl create secret generic": `--from-env-file` and `--from-file`."""
    assert report_of(COMPOSE).commands == [
        ("create secret generic search-env", "--from-env-file=.env"),
        ("create secret generic search-signing", "--from-file=signing=./signing.key"),
    ]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({"ports": ["3000"]}, {"port": 3000}),
        ({"ports": [3000]}, {"port": 3000}),
        ({"ports": ["8080:80/tcp", "53:53/udp"]}, {"port": 80}),
        ({"ports": ["[::1]:6000:7000"]}, {"port": 7000}),
        ({"ports": ["${P:-9000}:${Q:-9001}"]}, {"port": 9001}),
        ({"ports": [{"target": 80, "published": "8080"}]}, {"port": 80}),
        ({"expose": ["4000"]}, {"port": 4000}),
        (
            {"expose": ["4000"], "mem_limit": "1g", "cpus": 2},
            {"port": 4000, "resources": {"cpu_limit": "2000m", "memory_limit": "1024Mi"}},
        ),
        (
            {"expose": ["4000"], "mem_limit": "64m"},
            {"port": 4000, "resources": {"memory": "64Mi", "memory_limit": "64Mi"}},
        ),
        ({"expose": ["4000"], "healthcheck": {"disable": True}}, {"port": 4000, "probes": "none"}),
        (
            {"expose": ["4000"], "healthcheck": {"test": "curl http://localhost:9/h || exit 1"}},
            {"port": 4000, "probes": {"http": "/h", "port": 9}},
        ),
        ({"expose": ["4000"], "environment": ["A=$$x", "B=${C:-d}"]}, {"port": 4000, "env": {"A": "$x", "B": "d"}}),
    ],
)  # fmt: skip
def test_fields_of_an_http_server_are_carried_over(service: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compose Specification, "Services": short and long syntax of ports, sizes, health checks and interpolation."""
    found = service_of({"services": {"search": {"image": "x/search:1", **service}}})
    assert found == {"image": "x/search:1", "runtime": "external", **expected}


def test_a_service_without_image_or_port_is_to_be_set() -> None:
    """Requirement IMP-4: an image that is built and a port that is not published are listed with their keys."""
    report = report_of({"services": {"search": {"build": "."}}})
    assert list(report.must_set) == ["search.image", "search.port"]
    assert [issue.where for issue in issues_of(report)] == ["service search"]


def test_a_secret_in_the_command_of_a_shell_is_replaced() -> None:
    """Requirement IMP-3: free text with a token is not carried over."""
    command = ["sh", "-c", "curl -H 'Authorization: Bearer ghp_0123456789abcdef0123'"]
    report = report_of({"services": {"search": {"image": "x/search:1", "expose": [80], "entrypoint": command}}})
    assert report.servers[0].settings["command"] == ["sh", "-c", "REPLACE"]
    assert "search.command[2]" in report.must_set

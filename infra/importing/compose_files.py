"""Files and volumes of a Compose service: Secrets, ConfigMaps and claims, with the commands that create them."""

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.error_codes import cli as codes
from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.fields import Fields
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.report import Server, service_label
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import interpolated

KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
"""Source: Kubernetes, "Secrets", key names."""

NO_FILE: Final = Reason("the file declares no such secret or config with a file", "create a Secret, and set volumes")


def set_environment_files(server: Server, service: Fields) -> None:
    """Refer to a Secret with the variables of each `env_file`, which is not read."""
    value = service.raw("env_file")
    items = value if isinstance(value, list) else [value] if value is not None else []
    for index, item in enumerate(items):
        path = item.get("path") if isinstance(item, Mapping) else item
        location = (*service.at("env_file"), index) if isinstance(value, list) else service.at("env_file")
        if not isinstance(path, str) or not path.isprintable():
            server.report.leave(location, reasons.WRONG_TYPE)
            continue
        name = f"{server.name}-env" if index == 0 else f"{server.name}-env-{index + 1}"
        server.settings.setdefault("env_from", []).append({"secretRef": {"name": name}})
        created(server, "Secret", name, f"--from-env-file={shlex.quote(interpolated(path).text)}", location)


def created(server: Server, kind: str, name: str, option: str, location: Location) -> None:
    """Note a Secret or ConfigMap and the command that creates it."""
    command = {"Secret": "create secret generic", "ConfigMap": "create configmap"}[kind]
    server.report.commands.append((f"{command} {name}", option))
    server.report.note(location, codes.CREATED_BY_COMMAND.message(kind=kind, name=name))


def set_files(server: Server, service: Fields, compose: Fields) -> None:
    """Mount the secrets and configs of a service, each as a file."""
    for key, kind, folder in (("secrets", "Secret", "/run/secrets/"), ("configs", "ConfigMap", "/")):
        declared = compose.inner(key)
        values = service.raw(key)
        for index, value in enumerate(values if isinstance(values, list) else []):
            use = {"source": value} if isinstance(value, str) else value
            each = Fields(server.report, use, (*service.at(key), index))
            source, target = each.text("source") or "", each.text("target")
            set_file(server, kind, source, declared.inner(source), path_of(folder, target or source), each.location)


def path_of(folder: str, target: str) -> str:
    """Where a file is mounted."""
    return target if target.startswith("/") else f"{folder}{target}"


def set_file(server: Server, kind: str, name: str, declared: Fields, path: str, location: Location) -> None:
    """Mount one file of a Secret or ConfigMap."""
    file, variable = declared.text("file"), declared.text("environment")
    external = declared.raw("external") not in (None, False)
    if KEY.fullmatch(name) is None or not (file or variable or external) or not (file or "").isprintable():
        server.report.leave(location, NO_FILE)
        return
    made = service_label(f"{server.name}-{name}") if not external else service_label(declared.text("name") or name)
    if file:
        created(server, kind, made, f"--from-file={name}={shlex.quote(interpolated(file).text)}", location)
    elif variable and re.fullmatch(r"\w+", variable):
        created(server, kind, made, f'--from-literal={name}="${{{variable}:?}}"', location)
    source = {"secret": {"secretName": made}} if kind == "Secret" else {"configMap": {"name": made}}
    mount(server, made, source, {"mountPath": path, "subPath": name, "readOnly": True})


def mount(server: Server, name: str, source: Mapping[str, Any], at: Mapping[str, Any]) -> None:
    """Add a volume, unless it is there, and its mount."""
    volumes = server.settings.setdefault("volumes", [])
    volume = {"name": name, **source}
    volumes += [] if volume in volumes else [volume]
    server.settings.setdefault("volume_mounts", []).append({"name": name, **at})


def set_volumes(server: Server, service: Fields) -> None:
    """Mount named volumes as claims and temporary ones as emptyDir; note folders of the machine."""
    values = service.raw("volumes")
    for index, value in enumerate(values if isinstance(values, list) else []):
        location = (*service.at("volumes"), index)
        source, target, read_only = parts_of(value)
        if not target.startswith("/"):
            server.report.leave(location, reasons.WRONG_TYPE)
        elif source.endswith("docker.sock"):
            server.report.leave(location, reasons.SOCKET)
        elif source and (re.match(r"[./~\\$]|[A-Za-z]:", source) or not KEY.fullmatch(source)):
            server.report.leave(location, reasons.BIND)
        elif source:
            set_claim(server, source, {"mountPath": target, **({"readOnly": True} if read_only else {})}, location)
        else:
            mount(server, service_label(f"volume{target}"), {"emptyDir": {}}, {"mountPath": target})
    temporary = service.raw("tmpfs")
    for target in temporary if isinstance(temporary, list) else [temporary]:
        path = str(target or "").partition(":")[0]
        if path.startswith("/") and path != "/tmp":  # noqa: S108 - every pod has a temporary folder there
            mount(server, service_label(f"volume{path}"), {"emptyDir": {}}, {"mountPath": path})


def parts_of(value: Any) -> tuple[str, str, bool]:
    """Source, target and whether it is read-only, of the short or long syntax."""
    if isinstance(value, Mapping):
        kind, source, target = (value.get(key) for key in ("type", "source", "target"))
        source = f"./{source}" if kind == "bind" and not str(source).startswith("/") else source
        return str(source or "") if kind != "tmpfs" else "", str(target or ""), value.get("read_only") is True
    words = interpolated(str(value)).text.split(":")
    if len(words) == 1:
        return "", words[0], False
    modes = words.pop().split(",") if len(words) > 2 and not words[-1].startswith("/") else []  # noqa: PLR2004 - source, target, mode
    return ":".join(words[:-1]), words[-1], "ro" in modes


def set_claim(server: Server, name: str, at: Mapping[str, Any], location: Location) -> None:
    """Mount a PersistentVolumeClaim that the user creates."""
    made = service_label(f"{server.name}-{name}")
    mount(server, made, {"persistentVolumeClaim": {"claimName": made}}, at)
    index = len(server.settings["volumes"]) - 1
    server.to_set(f"volumes[{index}]", f"create the PersistentVolumeClaim {made}, or use another volume", location)

"""Client of the Kubernetes API: apply, get, list and patch by the kind of an object.

Server-side apply with strict field validation: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and
https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation.
"""

import json
from typing import Any, NamedTuple

import httpx

Object = dict[str, Any]


class Refusal(NamedTuple):
    """A rejected object and the message of the server."""

    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


class ApiClient:
    """Client of one API server; `http` has address, CA and token."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self._resources: dict[str, dict[str, Object]] = {}

    def ready(self) -> bool:
        """Whether the server is ready."""
        try:
            return self.http.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def resource(self, api_version: str, kind: str) -> Object:
        """Discovery entry of a kind. Raises LookupError for an unknown kind."""
        if kind not in self._resources.get(api_version, {}):
            prefix = "/apis" if "/" in api_version else "/api"
            listed = self.http.get(f"{prefix}/{api_version}")
            entries = listed.json()["resources"] if listed.is_success else []
            self._resources[api_version] = {item["kind"]: item for item in entries if "/" not in item["name"]}
        try:
            return self._resources[api_version][kind]
        except KeyError:
            raise LookupError(f"no matches for kind {kind} in {api_version}") from None

    def path(self, item: Object) -> str:
        """Path of an object."""
        resource = self.resource(item["apiVersion"], item["kind"])
        namespace = item["metadata"].get("namespace", "default")
        room = f"/namespaces/{namespace}" if resource["namespaced"] else ""
        prefix = "/apis" if "/" in item["apiVersion"] else "/api"
        return f"{prefix}/{item['apiVersion']}{room}/{resource['name']}/{item['metadata']['name']}"

    def apply(
        self, item: Object, manager: str = "meshed-mcp", *, dry_run: bool = False, force: bool = True
    ) -> Refusal | None:
        """Apply server-side with strict field validation. Returns the rejection, or None.

        A dry run is judged alike and kept nowhere.
        """
        subject = f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        try:
            path = self.path(item)
        except LookupError as error:
            return Refusal(subject, str(error))
        answer = self.http.patch(
            path,
            params={
                "fieldManager": manager,
                "fieldValidation": "Strict",
                "force": str(force).lower(),
                **({"dryRun": "All"} if dry_run else {}),
            },
            content=json.dumps(item),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        return None if answer.is_success else Refusal(subject, answer.json().get("message", answer.text))

    def get(self, item: Object) -> Object | None:
        """The object on the server, or None."""
        answer = self.http.get(self.path(item))
        return answer.json() if answer.is_success else None

    def delete(self, item: Object) -> None:
        """Delete an object without grace period, because there is no kubelet; ignores a missing one."""
        self.http.delete(self.path(item), params={"gracePeriodSeconds": "0"})

    def listed(self, api_version: str, kind: str) -> list[Object]:
        """All objects of a kind with their type; none while the kind is not served."""
        try:
            name = self.resource(api_version, kind)["name"]
        except LookupError:
            return []
        answer = self.http.get(f"{'/apis' if '/' in api_version else '/api'}/{api_version}/{name}")
        items = answer.json()["items"] if answer.is_success else []
        return [{**item, "apiVersion": api_version, "kind": kind} for item in items]

    def merge(self, path: str, change: Object) -> Object | None:
        """Merge-patch the object at `path`. Returns it, or None if it is missing or rejected."""
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = self.http.patch(path, content=json.dumps(change), headers=headers)
        return answer.json() if answer.is_success else None

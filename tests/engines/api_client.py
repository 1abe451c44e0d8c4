"""A client of the Kubernetes API, as small as the tests need: apply, get, list, patch, by an object's own kind.

Server-side apply with strict field validation: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and
https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation.
"""

import json
from typing import Any, NamedTuple

import httpx

Object = dict[str, Any]


class Refusal(NamedTuple):
    """What the server did not take: the object, and the server's own words."""

    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


class ApiClient:
    """Talks to one API server; `http` brings address, trust and token."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self._resources: dict[str, dict[str, Object]] = {}

    def ready(self) -> bool:
        """Whether the server says that it is ready."""
        try:
            return self.http.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def resource(self, api_version: str, kind: str) -> Object:
        """The discovery entry of a kind. Raises LookupError when the server does not serve it."""
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
        """Where an object lives."""
        resource = self.resource(item["apiVersion"], item["kind"])
        namespace = item["metadata"].get("namespace", "default")
        room = f"/namespaces/{namespace}" if resource["namespaced"] else ""
        prefix = "/apis" if "/" in item["apiVersion"] else "/api"
        return f"{prefix}/{item['apiVersion']}{room}/{resource['name']}/{item['metadata']['name']}"

    def apply(
        self, item: Object, manager: str = "meshed-mcp", *, dry_run: bool = False, force: bool = True
    ) -> Refusal | None:
        """Apply server-side with strict field validation; the refusal, or None when the server took it.

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
        """The object as the server has it, or None."""
        answer = self.http.get(self.path(item))
        return answer.json() if answer.is_success else None

    def delete(self, item: Object) -> None:
        """Delete an object at once: no kubelet would end a pod; one that is gone already is fine."""
        self.http.delete(self.path(item), params={"gracePeriodSeconds": "0"})

    def listed(self, api_version: str, kind: str) -> list[Object]:
        """All objects of a kind in all namespaces, with the type that lists leave out; none while it is not served."""
        try:
            name = self.resource(api_version, kind)["name"]
        except LookupError:
            return []
        answer = self.http.get(f"{'/apis' if '/' in api_version else '/api'}/{api_version}/{name}")
        items = answer.json()["items"] if answer.is_success else []
        return [{**item, "apiVersion": api_version, "kind": kind} for item in items]

    def merge(self, path: str, change: Object) -> Object | None:
        """Merge `change` into what lies at `path`, and return it; None when it is gone or the server refuses."""
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = self.http.patch(path, content=json.dumps(change), headers=headers)
        return answer.json() if answer.is_success else None

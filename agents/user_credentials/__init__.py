"""Credentials of users at other servers: asked for by URL elicitation, encrypted at rest, revocable.

A tool calls `service.user_credential(name)`. Without a credential the user gets a link (`elicitation.py`) to pages of
the service (`routes.py`, `pages.py`), which log the user in (`login.py`) and get the credential from a provider
(`authorization.py`) or a form. `vault.py` keeps it, encrypted, in a database or Redis (`stores/`). Credentials are
never logged.
"""

"""Processes of a local run: replicas, Envoys, certificates, changes at run time."""

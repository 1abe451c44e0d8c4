"""The Pulumi program: stack configuration, plan and registration, and recording, checks and rendering of a stack."""

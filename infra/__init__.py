"""The program: a stack file becomes components (config -> plan -> program), and can be recorded, checked, rendered."""

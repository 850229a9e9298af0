"""The `thrive` command: one file per sub-command, thin callers of kit."""

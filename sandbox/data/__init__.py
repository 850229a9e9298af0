"""The repositories and videos that the sandbox's services know. Everything here is invented."""

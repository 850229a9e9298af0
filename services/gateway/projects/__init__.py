"""Members' projects, and the newest of everybody's."""

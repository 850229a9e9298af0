"""Members: their own record, and their public pages."""

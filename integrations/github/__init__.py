"""GitHub: repositories, read with its REST API."""

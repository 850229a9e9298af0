"""The authorization servers behind the upstreams: who is asked, what is granted, and what becomes of it."""

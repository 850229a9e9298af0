"""Accepting imports: of one link, of several, and of a channel."""

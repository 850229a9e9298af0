"""Who is calling: tokens, sessions, and the OAuth flows that sign members in."""

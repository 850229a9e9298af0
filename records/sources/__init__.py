"""What members follow, and how each sync of it went."""

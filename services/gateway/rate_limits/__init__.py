"""What a member, or an address, may ask for in a time."""

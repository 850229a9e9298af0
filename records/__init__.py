"""What MongoDB keeps: for each collection its records, how one is made, and the only queries of it."""

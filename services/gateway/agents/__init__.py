"""Feed agents."""

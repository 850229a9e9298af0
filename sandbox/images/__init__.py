"""Small true pictures without a drawing library."""

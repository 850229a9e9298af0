"""What providers push."""

"""What members earned."""

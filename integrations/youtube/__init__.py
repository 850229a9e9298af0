"""YouTube: videos and channels, read with its Data API and its feeds."""

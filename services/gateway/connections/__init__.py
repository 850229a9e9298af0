"""The accounts elsewhere that members connect."""

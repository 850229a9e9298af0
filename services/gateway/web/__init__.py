"""HTTP matters that belong to no resource."""

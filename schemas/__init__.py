"""The one language that the services share. Begin with `schemas.journey`."""

"""The list of integrations."""

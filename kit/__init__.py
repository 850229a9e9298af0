"""Plumbing with no domain word: Kafka, MongoDB, HTTP, errors, logs, metrics, settings."""

"""Kafka as the stages see it: a broker, a keyed subscriber, dead letters."""

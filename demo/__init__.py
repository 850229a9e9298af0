"""The demonstration (`make demo`): the whole system against the sandbox, shown on a terminal."""

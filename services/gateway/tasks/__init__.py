"""How imports are doing: polled, waited for or streamed."""

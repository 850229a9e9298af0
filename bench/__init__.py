"""`make bench`: the pipeline beside a floor, five bare processes that do the same work without any guarantee."""

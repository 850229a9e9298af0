"""One provider, one file: which links are its own, how they are fetched, and how its JSON becomes an `Item`.

A library, not a process. `base.py` is the whole contract, `registry.py` the list.
"""

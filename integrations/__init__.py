"""One provider, one package: which links are its own, how they are read, and how its JSON becomes an `Item`.

A library, not a process. `base.py` is the whole contract, `registry.py` the list.
"""

"""The accounts that members connect: who provides them, how consent is asked for, where tokens are kept."""

"""Foreign text: decoded, its links made absolute, rendered, sanitised. Every function is linear in its input, bounded
in its output, and raises nothing for what an author wrote.

Texts of any size are worked on in `kit.workers`, where a fault of a parser costs a child process and nothing else.
"""

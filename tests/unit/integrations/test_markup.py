"""reStructuredText, AsciiDoc and plain text read well as Markdown."""

import pytest

from integrations.markup import to_markdown

RST = """\
=====
Title
=====

See `the docs <https://x.example/d>`_, `Long Name`_ and short_; not snake_case or a_.

Usage
-----

Run it::

    $ make
      all

.. code-block:: python
   :linenos:

   x = "```"

.. image:: logo.png
   :alt: Logo
.. note:: Mind
   the gap.
.. |badge| image:: badge.svg
.. a comment
   goes

|badge| and :func:`f`

Detail
~~~~~~

.. _Long Name: https://x.example/long
.. _short:
   https://x.example/short
"""

RST_AS_MARKDOWN = """\
# Title

See [the docs](https://x.example/d), [Long Name] and [short]; not snake_case or a_.

## Usage

Run it:

```
$ make
  all
```

````python
x = "```"
````

![](logo.png)

**Note:** Mind
the gap.

![badge](badge.svg) and `f`

### Detail

[Long Name]: https://x.example/long
[short]: https://x.example/short
"""

ADOC = """\
// a comment
:name: Tool
:url: https://x.example/{name}
= {name}
:toc:

ifdef::env-github[]
endif::[]
NOTE: Read {url}[the *docs*] or link:docs/a.adoc[this], see <<more,More>>.

image::logo.png[Logo,200]
////
hidden
////
.A title
[source,java]
----
= not a heading
----

== More [[more]]
* one
** two
. first

{unknown} stays
"""

ADOC_AS_MARKDOWN = """\
# Tool

**Note:** Read [the **docs**](https://x.example/Tool) or [this](docs/a.adoc), see More.

![Logo](logo.png)
**A title**
```java
= not a heading
```

## More [[more]]
- one
  - two
1. first

{unknown} stays
"""


def squeezed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize(
    ("path", "text", "markdown"),
    [
        ("README.rst", RST, RST_AS_MARKDOWN),
        ("docs/readme.adoc", ADOC, ADOC_AS_MARKDOWN),
        ("README.md", "*as* it\n    is", "*as* it\n    is"),
        ("readme.Markdown", "# x", "# x"),
        ("README", "# x", "\\# x"),
        ("README.txt", "a*b", "a\\*b"),
        ("README.org", "[a]", "\\[a\\]"),
    ],
)
def test_by_extension(path: str, text: str, markdown: str) -> None:
    assert squeezed(to_markdown(text, path)) == squeezed(markdown)


@pytest.mark.parametrize("path", ["a.rst", "a.adoc", "a"])
@pytest.mark.parametrize(
    "text",
    ["", "\n", "=====", "a\n=", "::", ".. ::", ".. x::", "----", "[source,]\n----\nx", ":a: {a}\n{a}", "....\nx"],
)
def test_odd_beginnings_and_ends(path: str, text: str) -> None:
    assert isinstance(to_markdown(text, path), str)


@pytest.mark.parametrize("path", ["a.rst", "a.adoc"])
@pytest.mark.parametrize(
    "unit", ["`a <", ":a:", "|a", "a_", "image:", "*a ", "<<a,", "{a}", ".. a::\n :b:\n", "a\n==\n"]
)
def test_a_megabyte_of_anything_goes_through(path: str, unit: str) -> None:
    assert isinstance(to_markdown(unit * (1_000_000 // len(unit)), path), str)

"""A text as it looks at home, safe to show wherever it is shown."""

import pytest

from kit.text.render import MAX_HTML_CHARS, MAX_SAFE_CHARS, render
from kit.text.urls import candidates

REL = 'rel="noopener nofollow ugc"'


def shown(markdown: str) -> str:
    return render(markdown, "markdown").strip()


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**bold** ~~gone~~", "<p><strong>bold</strong> <del>gone</del></p>"),
        ("https://x.example/a", f'<p><a href="https://x.example/a" {REL}>https://x.example/a</a></p>'),
        ("[a](mailto:a@x.example)", f'<p><a href="mailto:a@x.example" {REL}>a</a></p>'),
        ("- [x] done", '<ul>\n<li><input type="checkbox" checked="" disabled=""> done</li>\n</ul>'),
        ("```c++\nx < y\n```", '<pre><code class="language-c++">x &lt; y\n</code></pre>'),
        ("# Hi *there*, C++ & co!", '<h1 id="user-content-hi-there-c--co">Hi <em>there</em>, C++ &amp; co!</h1>'),
        ("# A\n# A\n# A-1", '<h1 id="user-content-a">A</h1>\n<h1 id="user-content-a-1">A</h1>\n'
         '<h1 id="user-content-a-1-1">A-1</h1>'),
        ("[go](#hi)", f'<p><a href="#user-content-hi" {REL}>go</a></p>'),
        ('<a name="hi"></a>', f'<p><a name="user-content-hi" {REL}></a></p>'),
        (":rocket: `:rocket:` :nonsense: 12:30:45", "<p>🚀 <code>:rocket:</code> :nonsense: 12:30:45</p>"),
        ("> plain\n> words", "<blockquote>\n<p>plain\nwords</p>\n</blockquote>"),
        ("> [!note]\n> words", '<div class="markdown-alert markdown-alert-note">\n'
         '<p class="markdown-alert-title">Note</p><p>words</p>\n</div>'),
        ("> [!NOTE] words", "<blockquote>\n<p>[!NOTE] words</p>\n</blockquote>"),
        ("> > [!TIP]\n> > a\n>\n> b", '<blockquote>\n<div class="markdown-alert markdown-alert-tip">\n'
         '<p class="markdown-alert-title">Tip</p><p>a</p>\n</div>\n<p>b</p>\n</blockquote>'),
        ('<p align="center"><img src="https://x.example/a.png" width="100" height="5%"></p>',
         '<p align="center"><img src="https://x.example/a.png" width="100" height="5%"></p>'),
        ('<details open><summary>More</summary>\n\n*words*\n\n</details>',
         '<details open=""><summary>More</summary>\n<p><em>words</em></p>\n</details>'),
        ("H<sub>2</sub>O <kbd>Ctrl</kbd>", "<p>H<sub>2</sub>O <kbd>Ctrl</kbd></p>"),
        ("---\nkey: value\n---\nwords", '<pre><code class="language-yaml">key: value\n</code></pre>\n<p>words</p>'),
        ("---\n\nwords\n\n---", "<hr>\n<p>words</p>\n<hr>"),
    ],
)  # fmt: skip
def test_as_at_home(markdown: str, html: str) -> None:
    assert shown(markdown) == html


def test_a_table_and_a_footnote() -> None:
    html = shown("|a|b|\n|-|:-:|\n|1|2|\n\nwords[^1]\n\n[^1]: note")
    assert '<th align="center">b</th>' in html
    assert f'<a href="#user-content-fn-1" id="user-content-fnref-1" {REL}>1</a>' in html
    assert '<li id="user-content-fn-1">' in html


def test_a_picture_for_dark_and_for_light() -> None:
    html = shown(
        '<picture><source media="(prefers-color-scheme: dark)" srcset="https://x.example/w_1,h_2/n.png 1x, '
        'https://x.example/n2.png 2x"><img src="https://x.example/d.png" alt="a forest"></picture>'
    )
    assert 'srcset="https://x.example/w_1,h_2/n.png 1x, https://x.example/n2.png 2x"' in html
    assert 'media="(prefers-color-scheme: dark)"' in html
    assert 'alt="a forest"' in html


@pytest.mark.parametrize(
    ("srcset", "found"),
    [
        ("a.png", [("a.png", "")]),
        ("a.png, b.png 2x", [("a.png", ""), ("b.png", "2x")]),
        ("a.png 1x,b.png 2x", [("a.png", "1x"), ("b.png", "2x")]),
        ("a,b/c,d.png 1x, e,f.png", [("a,b/c,d.png", "1x"), ("e,f.png", "")]),
        (" , ,a.png 10w , b.png", [("a.png", "10w"), ("b.png", "")]),
        ("a.png x(1,2), b.png", [("a.png", "x(1,2)"), ("b.png", "")]),
        ("", []),
        (",", []),
    ],
)
def test_candidates_of_a_srcset(srcset: str, found: list[tuple[str, str]]) -> None:
    assert list(candidates(srcset)) == found


def test_plain_text_keeps_its_columns_and_can_be_followed() -> None:
    html = render("a  b\n    <c> & https://x.example/a_(b)_ (https://x.example/c).\n", "plain")
    assert html == (
        f'<pre>a  b\n    &lt;c&gt; &amp; <a href="https://x.example/a_(b)_" {REL}>https://x.example/a_(b)_</a> '
        f'(<a href="https://x.example/c" {REL}>https://x.example/c</a>).\n</pre>'
    )


@pytest.mark.parametrize(
    ("html", "tidied"),
    [
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<b><i>a</b>c</i>", "<b><i>a</i></b>c"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
        ("<table><tr><td>a</div><td>b</table>c", "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>c"),
        ("<td>a</td>", "a"),
        ("<table><p>a</table>", "<table><tbody><tr><td><p>a</p></td></tr></tbody></table>"),
        ("a <!-- b --> c <!--> d", "a  c  d"),
        ("a <script>b</script > c", "a  c"),
        ("a <b", "a "),
        ("1 < 2 <3", "1 &lt; 2 &lt;3"),
        ("<style>a</style><title>b</title>c", "c"),
        ("<center>a</center></p></div>", "<center>a</center>"),
        ("<P CLASS='markdown-alert fixed'>a", '<p class="markdown-alert">a</p>'),
        ("<time datetime=2026-01-01>a</time>", '<time datetime="2026-01-01">a</time>'),
    ],
)
def test_html_is_put_in_order(html: str, tidied: str) -> None:
    assert render("", "rst", html) == tidied


def test_a_picture_behind_a_proxy_is_the_authors_own() -> None:
    html = '<img src="https://camo.example/1" data-canonical-src="https://x.example/a.png">'
    assert render("", "rst", html) == '<img src="https://x.example/a.png">'


@pytest.mark.parametrize(
    "unit", ["&", "<b>a</b>", '<a href="https://x.example">', "a", "é", "> ", "https://x.example/ "]
)
@pytest.mark.parametrize("text_format", ["markdown", "plain"])
def test_what_is_kept_is_bounded(unit: str, text_format: str) -> None:
    text = unit * (1_048_576 // len(unit))
    assert len(render(text, text_format)) <= MAX_SAFE_CHARS
    assert len(render(text, text_format, text)) <= MAX_SAFE_CHARS
    assert MAX_HTML_CHARS < MAX_SAFE_CHARS < 4 * 1_048_576


def test_what_is_cut_is_ended() -> None:
    html = render("", "rst", "<blockquote><p>" + "<b>a</b>" * 1_000_000)
    assert html.endswith("</b></p></blockquote>")

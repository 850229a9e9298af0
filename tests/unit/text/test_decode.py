"""Bytes become the text that was meant, or say that they do not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.characters import bounded, printable
from kit.text.decode import decode

FILLER = "# Widget\n\nCounts acorns quickly.\n\n"


@pytest.mark.parametrize(
    "data",
    [
        "Grüße – 日本".encode(),
        b"\xef\xbb\xbf" + "Grüße – 日本".encode(),
        "Grüße – 日本".encode("utf-16"),
        b"\xfe\xff" + "Grüße – 日本".encode("utf-16-be"),
        "Grüße – 日本".encode("utf-32"),
    ],
)
def test_unicode_in_any_form(data: bytes) -> None:
    assert decode(data) == "Grüße – 日本"


def test_utf_16_without_its_mark() -> None:
    assert decode("# Hello, world".encode("utf-16-le")) == "# Hello, world"
    assert decode("# Hello, world".encode("utf-16-be")) == "# Hello, world"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "Sillanpää “quoted”"),
        ("cp1252", "a naïve café"),
        ("cp1252", "© 2020, 5° and 3 µs for 2 €"),
        ("iso8859_1", "Schöne Grüße aus Köln, mit größter Mühe"),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
        ("iso8859_2", "Zażółć gęślą jaźń, proszę bardzo"),
        ("cp1251", "Привет, мир! Это программа для учёта желудей."),
        ("koi8_r", "Привет, мир! Это программа для учёта желудей."),
        ("cp1253", "Καλημέρα κόσμε, αυτό είναι ένα πρόγραμμα"),
        ("cp1254", "Şu çılgın Türkçe ğüşiöç yazısı"),
        ("cp1256", "مرحبا بالعالم، هذا برنامج"),
        ("shift_jis", "これはどんぐりを数えるプログラムです。"),
        ("euc_jp", "これはどんぐりを数えるプログラムです。"),
        ("gb18030", "这是一个计算橡子的程序。使用方法如下。"),
        ("big5", "這是一個計算橡子的程式。使用方法如下。"),
        ("euc_kr", "이것은 도토리를 세는 프로그램입니다."),
    ],
)
def test_old_encodings_are_told_by_their_words(encoding: str, words: str) -> None:
    assert decode(words.encode(encoding)) == words
    assert decode(f"{FILLER}{words}\n{FILLER}".encode(encoding)) == f"{FILLER}{words}\n{FILLER}"


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("cp1255", ".. -*- coding: cp1255 -*-"),
        ("iso8859_8", '<meta charset="iso-8859-8">'),
        ("mac_roman", "<!-- vim: set fileencoding=mac_roman : -->"),
    ],
)
def test_what_is_declared_is_believed(encoding: str, line: str) -> None:
    words = "café" if encoding == "mac_roman" else "שלום עולם"
    assert decode(f"{line}\n{words}".encode(encoding)) == f"{line}\n{words}"
    assert decode(f"{words}\n{FILLER * 200}{line}\n".encode(encoding)).startswith(words)


@pytest.mark.parametrize("line", ["coding: utf-7", "coding: rot13", "coding: zip", "coding: nonsense", "coding: idna"])
def test_what_is_no_encoding_of_text_is_not(line: str) -> None:
    assert decode(f"{line}\n".encode() + "größer".encode("cp1252")) == f"{line}\ngrößer"


def test_what_is_nothing_known_is_no_other_text() -> None:
    assert decode("café déjà".encode("mac_roman")) == "caf\ufffd d\ufffdj\ufffd"


def test_a_few_broken_bytes_cost_only_themselves() -> None:
    text = "日本語の説明" * 10
    assert decode(text.encode() + b"\xff" + text.encode()) == f"{text}\ufffd{text}"
    assert decode(text.encode()[:-1]) == text[:-1]


@given(st.binary(max_size=200))
def test_any_bytes_are_some_text(data: bytes) -> None:
    printable(decode(data)).encode()


@given(st.text(), st.integers(0, 50))
def test_a_bound_is_in_bytes(text: str, room: int) -> None:
    text = printable(text)
    assert len(bounded(text, room).encode()) <= room
    assert text.startswith(bounded(text, room))

"""What names a channel, and what does not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.youtube.urls import ChannelName, channel_name
from kit.errors import InvalidURLError

ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID} ",
        f"https://www.youtube.com/channel/{ID}",
        f"youtube.com/channel/{ID}",
        f"http://m.youtube.com/channel/{ID}/videos?view=0#t",
        f"https://music.youtube.com/channel/{ID}",
    ],
)
def test_an_id_is_found_in_every_form(text: str) -> None:
    assert channel_name(text) == ChannelName("id", ID)


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("@GoogleDevelopers", "@GoogleDevelopers"),
        ("GoogleDevelopers", "@GoogleDevelopers"),
        ("@some.one_else-1", "@some.one_else-1"),
        ("https://www.youtube.com/@GoogleDevelopers", "@GoogleDevelopers"),
        ("https://www.youtube.com/@GoogleDevelopers/live?si=x", "@GoogleDevelopers"),
        ("https://www.youtube.com/%40GoogleDevelopers", "@GoogleDevelopers"),
        ("https://youtube.com/@%E6%98%9F%E7%A9%BA%E5%B7%A5%E6%88%BF", "@星空工房"),
        ("https://youtube.com/@星空工房", "@星空工房"),
        ("@บ้านไม้ริมน้ำ", "@บ้านไม้ริมน้ำ"),
        ("@मीठीबातें", "@मीठीबातें"),
        ("https://youtube.com/@படகுவீடு/shorts", "@படகுவீடு"),
        ("https://www.youtube.com/@%E0%A6%A8%E0%A7%8C%E0%A6%95%E0%A6%BE", "@নৌকা"),
        ("@نامه\u200cها", "@نامه\u200cها"),
        ("https://youtube.com/@نامه\u200cها", "@نامه\u200cها"),
        ("https://youtube.com/@%D9%86%D8%A7%D9%85%D9%87%E2%80%8C%D9%87%D8%A7", "@نامه\u200cها"),
        ("@ශ්\u200dරී", "@ශ්\u200dරී"),
        ("@Cafe\u0301Bleu", "@CaféBleu"),
        ("https://youtube.com/@Cafe%CC%81Bleu", "@CaféBleu"),
        ("https://youtube.com/@\u1112\u1161\u11ab\u1100\u1173\u11af", "@한글"),
        ("@船", "@船"),
        ("https://youtube.com/@%E8%88%B9", "@船"),
        ("\u200e@tidetables\u200f", "@tidetables"),
        ("\u2068@ים-כחול\u2069", "@ים-כחול"),
        ("@col·lecció", "@col·lecció"),
        ("@ქართული_7", "@ქართული_7"),
    ],
)
def test_a_handle_is_found_in_every_form(text: str, handle: str) -> None:
    assert channel_name(text) == ChannelName("forHandle", handle)


def test_names_from_before_there_were_handles() -> None:
    assert channel_name("https://www.youtube.com/user/GoogleDevelopers/featured") == ChannelName(
        "forUsername", "GoogleDevelopers"
    )
    assert channel_name("https://youtube.com/user/ab").value == "ab"
    assert channel_name("https://youtube.com/c/%E0%B8%9A%E0%B9%89%E0%B8%B2%E0%B8%99").value == "@บ้าน"
    custom = channel_name("https://www.youtube.com/c/GoogleDevelopers")
    assert custom == ChannelName("forHandle", "@GoogleDevelopers", custom=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a b",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ",
        "https://www.youtube.com/channel/UCshort",
        f"https://www.youtube.com/channel/{ID}x",
        "https://www.youtube.com/c/",
        "https://www.youtube.com/@a%2F..%2Fb",
        "https://www.youtube.com/@evil%0Aname",
        "https://www.youtube.com/@evil%FFname",
        "@ab",
        "@\u0e49",
        "@\u0301evil",
        "@\u200c\u200d\u200c",
        "@evil\u200d",
        "@evil\u200c\u200cname",
        "@evil\u202ename",
        "@evil\u2060name",
        "@evil☺name",
        "@" + "e\u0301" * 200,
        "@" + "船" * 61,
        "https://www.youtube.com/feed/trending",
        f"https://youtube.com.evil.tld/channel/{ID}",
        f"https://notyoutube.com/channel/{ID}",
        f"https://youtube.com@evil.tld/channel/{ID}",
        f"https://youtube.com:8443/channel/{ID}",
        f"ssh://git@youtube.com/channel/{ID}",
        "javascript:alert(1)",
    ],
)
def test_what_names_no_channel_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        channel_name(text)
    assert caught.value.suggestion
    assert "evil" not in str(caught.value.body())


@given(st.text(max_size=80) | st.text(max_size=40).map(lambda text: f"https://youtube.com/{text}"))
def test_whatever_is_sent_names_something_bounded_or_is_refused(text: str) -> None:
    try:
        name = channel_name(text)
    except InvalidURLError:
        return
    assert 2 <= len(name.value) <= 101
    assert unicodedata.is_normalized("NFC", name.value)
    assert not any(char.isspace() or char in "/?&#" for char in name.value)

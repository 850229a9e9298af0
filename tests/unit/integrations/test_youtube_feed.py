"""A channel's feed: what is read of it, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.youtube.feed import MAX_CHARS, MAX_DEPTH, MAX_ENTRIES, Entry, FeedError, parse

CHANNEL = "UCXuqSBlHAE6Xw-yeJA0Tunw"
NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
)


def feed(*entries: str, head: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<feed {NAMESPACES}>{"".join(entries)}</feed>'.encode()


def entry(video_id: str = "dQw4w9WgXcQ", channel_id: str = CHANNEL, title: str = "A title", more: str = "") -> str:
    return (
        f"<entry><id>yt:video:{video_id}</id><yt:videoId>{video_id}</yt:videoId>"
        f"<yt:channelId>{channel_id}</yt:channelId><title>{title}</title><author><name>Somebody</name></author>"
        f"<published>2026-03-06T21:40:57+00:00</published><updated>2026-03-09T19:05:24.552394234+00:00</updated>"
        f"{more}</entry>"
    )


DELETED = (
    '<at:deleted-entry ref="yt:video:dQw4w9WgXcQ" when="2026-04-01T10:00:00+00:00">'
    '<link href="https://www.youtube.com/watch?v=dQw4w9WgXcQ"/>'
    f"<at:by><name>Somebody</name><uri>https://www.youtube.com/channel/{CHANNEL}</uri></at:by></at:deleted-entry>"
)


def test_an_entry_has_its_ids_title_and_times() -> None:
    assert parse(feed("<title>A channel</title>", entry(title="Tea &amp; <![CDATA[<b>]]>"))) == [
        Entry(
            "dQw4w9WgXcQ",
            CHANNEL,
            "Tea & <b>",
            "2026-03-06T21:40:57+00:00",
            "2026-03-09T19:05:24.552394234+00:00",
        )
    ]


def test_a_deleted_entry_names_the_video_and_its_channel() -> None:
    assert parse(feed(DELETED)) == [Entry("dQw4w9WgXcQ", CHANNEL, updated="2026-04-01T10:00:00+00:00", deleted=True)]


def test_what_lies_deeper_does_not_count_as_the_entrys_own() -> None:
    nested = "<media:group><title>Another</title><yt:videoId>AAAAAAAAAAA</yt:videoId></media:group>"
    (found,) = parse(feed(entry(more=nested)))
    assert (found.video_id, found.title) == ("dQw4w9WgXcQ", "A title")


@pytest.mark.parametrize(
    "bad",
    [entry(video_id="../../etc"), entry(channel_id="UC"), "<entry/>", "<at:deleted-entry/>", entry(video_id="é" * 11)],
)
def test_an_entry_without_its_ids_is_left_out(bad: str) -> None:
    assert [found.video_id for found in parse(feed(bad, entry(video_id="AAAAAAAAAAA")))] == ["AAAAAAAAAAA"]


def test_a_long_text_is_cut_off() -> None:
    (found,) = parse(feed(entry(title="x" * 50_000)))
    assert len(found.title) == MAX_CHARS


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(10))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff\xfe\x00",
        feed(entry())[:-9],
        b"<feed/>",
        b"<rss><channel/></rss>",
        feed(entry(title="&l9;"), head=f"<!DOCTYPE feed [{LAUGHS}]>"),
        feed(entry(title="&x;"), head='<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        feed(entry(), head='<!DOCTYPE feed SYSTEM "http://127.0.0.1/evil.dtd">'),
        feed(entry(title="&undeclared;")),
        feed(entry()).replace(b"UTF-8", b"foo"),
        feed(entry()).replace(b"UTF-8", b"hex"),
        feed("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH),
        feed("<a/>" * 20_000),
        feed(*[entry()] * (MAX_ENTRIES + 1)),
    ],
)
def test_what_is_no_feed_or_a_hostile_one_is_refused(body: bytes) -> None:
    with pytest.raises(FeedError):
        parse(body)


@given(st.binary(max_size=200) | st.text(alphabet="<>/&;![]feedntry ", max_size=200).map(lambda text: feed(text)))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    with suppress(FeedError):
        parse(body)

"""What a hub pushes."""

from tests.e2e.push.conftest import CHANNEL

NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015" '
    'xmlns:at="http://purl.org/atompub/tombstones/1.0"'
)


def feed(*entries: str, head: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<feed {NAMESPACES}>{"".join(entries)}</feed>'.encode()


def upload(
    video_id: str = "dQw4w9WgXcQ", updated: str = "2026-03-09T19:05:24.552394234+00:00", channel_id: str = CHANNEL
) -> bytes:
    return feed(
        f"<entry><yt:videoId>{video_id}</yt:videoId><yt:channelId>{channel_id}</yt:channelId><title>A title</title>"
        f"<published>2026-03-09T19:00:00+00:00</published><updated>{updated}</updated></entry>"
    )


def deletion(video_id: str = "dQw4w9WgXcQ") -> bytes:
    return feed(
        f'<at:deleted-entry ref="yt:video:{video_id}" when="2026-04-01T10:00:00+00:00">'
        f"<at:by><name>A</name><uri>https://www.youtube.com/channel/{CHANNEL}</uri></at:by></at:deleted-entry>"
    )

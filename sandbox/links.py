"""Links worth importing, and what should come of each: for demonstrations and end-to-end tests."""

from dataclasses import dataclass

COMPLETED = "completed"
DEMO_CHANNEL = "https://www.youtube.com/@lighthouseexample"  # 56 uploads, the latest fifty public
NOT_FOUND = "failed:CONTENT_NOT_FOUND"


@dataclass(frozen=True)
class Link:
    url: str  # what a member pastes
    outcome: str = COMPLETED  # or failed:{error_code}
    demo: bool = False  # one of the dozen to show
    expected_failure: bool = False  # the outcome is not `completed`
    canonical_url: str = ""  # where the import ends, for a completed one; names are case-insensitive: lower case
    why: str = ""  # what is special


def _repository(name: str, why: str = "", *, demo: bool = False, now: str = "") -> Link:
    return Link(
        f"https://github.com/{name}", demo=demo, canonical_url=f"https://github.com/{now or name}".lower(), why=why
    )


def _video(
    video_id: str, why: str = "", *, demo: bool = False, pasted: str = "https://www.youtube.com/watch?v={}"
) -> Link:
    canonical = f"https://youtube.com/watch?v={video_id}"
    return Link(pasted.format(video_id), demo=demo, canonical_url=canonical, why=why)


LINKS = (
    _repository("tidewater-example/tidewatch", "Markdown with relative links and pictures", demo=True),
    _repository("mira-example/paper-lanterns", "an emoji in the description", demo=True),
    _repository("kestrel-example/kestrel-queue", "README in AsciiDoc", demo=True),
    _repository("nordlys-example/aurora-atlas", "README in reStructuredText, branch trunk", demo=True),
    _repository("hoshizora-example/kana-garden", "Japanese, Korean, Arabic", demo=True),
    _repository("old-harbour-example/brass-compass", "renamed", demo=True, now="harbour-example/compass"),
    _repository("juniper-example/sourdough-journal", "no licence", demo=True),
    _repository("quiet-example/soundless", "branch master", demo=True),
    _video("sbxTidePool", "all thumbnails and numbers", demo=True),
    _video("sbxBreadDay", "a description of more than 5,000 characters", demo=True, pasted="https://youtu.be/{}?t=42"),
    _video("sbxNightSky", "a time-lapse", demo=True, pasted="https://m.youtube.com/watch?v={}&list=PLsandbox"),
    _video("sbxKanaSong", "hidden likes, Japanese", demo=True, pasted="https://www.youtube.com/shorts/{}"),
    Link("https://github.com/kestrel-example/vault", NOT_FOUND, expected_failure=True, why="private"),
    Link("https://www.youtube.com/watch?v=sbxDeleted0", NOT_FOUND, expected_failure=True, why="deleted"),
    Link("https://www.youtube.com/watch?v=sbxPrivate0", NOT_FOUND, expected_failure=True, why="private"),
    Link("https://github.com/mira-example/never-was", NOT_FOUND, expected_failure=True, why="does not exist"),
    _repository("tidewater-example/lighthouse", "archived"),
    _repository("juniper-example/kestrel-queue", "a fork"),
    _repository("kestrel-example/atlas-monorepo", "README in docs/"),
    _repository("kestrel-example/Dotted.Name.js", "dots and capitals in the name"),
    _repository("papertrail-example/letterpress-notes", "README without markup"),
    _repository("nordlys-example/ice-charts", "README in Org mode"),
    _repository("hoshizora-example/emoji-atlas", "every corner of Unicode"),
    _repository("mallory-example/xss-gallery", "scripts in README and description"),
    _repository("mallory-example/prompt-injection", "instructions to the model"),
    _repository("mira-example/blank-canvas", "empty repository"),
    _repository("mira-example/untitled", "no description, no README"),
    _repository("papertrail-example/letterpress", "no README"),
    _repository("papertrail-example/empty-readme", "README of 0 bytes"),
    _repository("nordlys-example/marees", "README in Latin-1"),
    _repository("nordlys-example/utf16-notes", "README in UTF-16"),
    _repository("quiet-example/mebibyte", "README of exactly 1 MiB"),
    _repository("quiet-example/oversized", "README that the API leaves out"),
    _repository("mallory-example/matryoshka", "README of nested elements"),
    _repository("mallory-example/nul-and-controls", "control characters and broken UTF-8"),
    _video("sbxNoStats0", "no numbers at all"),
    _video("sbxDefThumb", "only the default thumbnail"),
    _video("sbxLiveNow0", "live now", pasted="https://www.youtube.com/live/{}"),
    _video("sbxUpcoming", "a premiere to come"),
    _video("sbxWasLive0", "recording of a live stream"),
    _video("sbxVeryLong", "longer than a day"),
    _video("sbxShort059", "a short", pasted="https://youtube.com/shorts/{}?feature=share"),
    _video("sbxNoEmbed0", "embedding forbidden", pasted="https://www.youtube.com/embed/{}"),
    _video("sbxAgeGated", "age restricted"),
    _video("sbxUnlisted", "unlisted"),
    _video("sbxHtmlTitl", "HTML in the title"),
    _video("sbxObeyThis", "instructions to the model"),
    _video("sbx-_dash_-", "dashes and underscores in the id", pasted="https://www.youtube-nocookie.com/embed/{}"),
    _video("-sbxLeadDsh", "an id that begins with a dash"),
)

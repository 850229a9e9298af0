"""Which usernames there are. They stand in addresses, and beside what their owners say: so none may be an address of
ours, or pass for somebody who speaks for the service."""

import hashlib
import re
from itertools import product

from slugify import slugify

MAX_USERNAME_CHARS = 40
NUMBERED = 20  # so many members may share a name and be told apart by a small number

# First segments of addresses, ours or of a site that is built on us: /{username} and /{username}/{slug} would be
# mistaken for them, and some of /api/v1/{username}/… .
RESERVED = frozenset({
    "about", "abuse", "account", "accounts", "admin", "agent", "agents", "all", "anonymous", "api", "app", "apps",
    "assets", "auth", "award", "awards", "billing", "blog", "bookmarks", "bot", "bots", "browse", "cdn",
    "changelog", "channel", "channels", "collections", "comments", "community", "compare", "connect", "connections",
    "console", "contact", "contribute", "cookies", "copyright", "create", "css", "dashboard", "delete", "deleted",
    "demo", "dev", "developer", "developers", "discover", "dmca", "docs", "documentation", "domain", "download",
    "downloads", "dribbble", "edit", "email", "embed", "error", "errors", "event", "events", "everyone", "explore",
    "export", "faq", "favicon", "favorites", "features", "feed", "feedback", "feeds", "figma", "files", "follow",
    "followers", "following", "font", "fonts", "forgot", "forum", "forums", "ghost", "github", "gitlab", "google",
    "graphql", "groups", "guest", "guide", "guides", "health", "healthz", "help", "here", "home", "hooks", "host",
    "hosting", "html", "http", "https", "hub", "huggingface", "icon", "icons", "image", "images", "img", "import",
    "imports", "inbox", "index", "info", "integration", "integrations", "internal", "invitations", "invite",
    "invites", "ios", "jobs", "join", "js", "json", "jwks", "learn", "legal", "library", "license", "likes",
    "links", "list", "lists", "live", "livez", "localhost", "login", "logout", "mail", "manifest", "me", "media",
    "member", "members", "message", "messages", "metrics", "mobile", "my", "new", "news", "newsletter", "nobody",
    "none", "notices", "notifications", "null", "oauth", "official", "onboarding", "openapi", "operator",
    "operators", "organization", "organizations", "orgs", "page", "pages", "partner", "partners", "password",
    "people", "ping", "pinned", "plans", "points", "policies", "policy", "popular", "portfolio", "portfolios",
    "postmaster", "premium", "press", "pricing", "privacy", "private", "pro", "profile", "profiles", "project",
    "projects", "public", "purchase", "raw", "readyz", "recent", "recover", "redirect", "register", "reports",
    "reset", "robots", "root", "rss", "sandbox", "saved", "search", "security", "self", "sessions", "settings",
    "setup", "share", "shop", "showcase", "sign-in", "sign-out", "sign-up", "signin", "signout", "signup", "site",
    "sitemap", "sitemaps", "skills", "sources", "spam", "sponsors", "sso", "staff", "start", "static", "stats",
    "status", "store", "stories", "stream", "style", "styles", "submit", "subscribe", "subscriptions", "success",
    "suggestions", "support", "svg", "sync", "system", "tag", "tags", "task", "tasks", "team", "teams", "template",
    "templates", "terms", "test", "thrive", "token", "tokens", "tools", "top", "topics", "tos", "tour", "translate",
    "trending", "trust", "types", "undefined", "unknown", "unsubscribe", "update", "updates", "upload", "uploads",
    "user", "username", "users", "v1", "v2", "verify", "video", "videos", "visitor", "watch", "web", "webhook",
    "webhooks", "webmaster", "websocket", "well-known", "whoami", "widget", "widgets", "wiki", "world", "ws", "www",
    "xml", "you", "youtube",
})  # fmt: skip

BRAND = "thrive"
# Names that pass for the service also with a number, and with other letters that look like theirs.
SPEAKERS = frozenset({
    "abuse", "admin", "administration", "administrator", "helpdesk", "hostmaster", "moderator", "moderators",
    "noreply", "official", "operator", "operators", "postmaster", "root", "security", "staff", "superuser",
    "support", "sysadmin", "sysop", "system", "webmaster",
}) | {BRAND}  # fmt: skip
TITLES = SPEAKERS - {"root", "security", "system"}  # and as one word of several: ada-official, support-team
BESIDE_BRAND = SPEAKERS | {"app", "bot", "help", "hq", "imports", "info", "news", "team"}
LOOKS_LIKE = str.maketrans("01345789i", "oleastbgl")


def candidates(user_id: str, wanted: str) -> list[str]:
    """Usernames to try, best first: ada, ada-2, ada-3 … and last one that only this member can have."""
    mark = hashlib.sha256(user_id.encode()).hexdigest()[:12]
    base = slugify(wanted[:200], max_length=MAX_USERNAME_CHARS, regex_pattern=r"[^-a-z0-9_]+")
    if not base or passes_for_us(base):
        base = f"member-{mark}"
    names = [base, *(f"{base}-{number}" for number in range(2, NUMBERED + 1)), f"{base}-{mark}"]
    return [name for name in names if name not in RESERVED]


def passes_for_us(name: str) -> bool:
    """A name, in the letters that usernames have, that a reader could take for the service's own."""
    words = {*re.split(r"[-_]+", name)}
    whole = {re.sub(r"[-_]+", "", one) for one in (name, name.strip("-_0123456789"))}
    return bool({_seen(word) for word in words} & _SEEN_TITLES or {_seen(one) for one in whole} & _SEEN_SPEAKERS)


def _seen(word: str) -> str:
    """The same for words that look the same at a glance."""
    return word.translate(LOOKS_LIKE).replace("rn", "m").replace("vv", "w")


_SEEN_TITLES = {_seen(word) for word in TITLES}
_SEEN_SPEAKERS = {
    *map(_seen, SPEAKERS),
    *(_seen(first + second) for first, second in product([BRAND], BESIDE_BRAND)),
    *(_seen(first + second) for first, second in product(BESIDE_BRAND, [BRAND])),
}

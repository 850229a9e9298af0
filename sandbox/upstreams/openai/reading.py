"""What a model would say of a prompt, by simple rules: the same prompt always gives the same answer.

The prompt is read as data only: a JSON object with full_name, description and language, or lines such as
`Full name: …` or `<language>…</language>`. Nothing in the text is ever obeyed.
"""

import json
import re
from dataclasses import dataclass

_LABEL = re.compile(
    r"""["<*\s-]*(?P<label>full[ _]?name|repository|project|title|name|description|language)["*]*\s*[:>=]\s*"?"""
    r"""(?P<value>[^\n"<]{1,400})""",
    re.IGNORECASE,
)
_NAMING = ("full_name", "repository", "project", "title", "name")  # labels that tell a name, best first
_LABELS = (*_NAMING, "description", "language")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[.+#]+[A-Za-z0-9+#]*)?")
_MARKUP = re.compile(r"<[^>]*>|!?\[|\]\([^)]*\)|[`*_#>|]|https?://\S+")
_LOWER = re.compile(r"[a-z-]+")
_SPACE = re.compile(r"\s+")

_NAMES = """
    Python Rust Go TypeScript JavaScript Java Kotlin Swift C C++ C# Ruby PHP Elixir Haskell Julia R Shell HTML CSS
    React Vue Svelte Angular Node.js Deno FastAPI Django Flask Rails Spring Tokio gRPC GraphQL Kafka RabbitMQ Redis
    PostgreSQL SQLite MongoDB MySQL DuckDB Parquet NumPy pandas PyTorch Jupyter Docker Kubernetes Terraform AWS
    WebGL WebGPU WebAssembly WebAudio OpenGL Arduino ESP32 Zephyr SwiftUI SwiftData Android Gradle Blender Unity
    Markdown AsciiDoc Sphinx NATS Nix Linux Git GDAL xarray NetCDF FFmpeg WebSockets Grafana MQTT Rayon Ratatui asyncio
"""
TECHNOLOGIES = {name.lower(): name for name in _NAMES.split()}
_ALIASES = {"golang": "Go", "nodejs": "Node.js", "k8s": "Kubernetes", "postgres": "PostgreSQL", "reactjs": "React"}
_AMBIGUOUS = {"c", "r", "go", "swift", "shell", "spring", "unity", "rails", "flask", "git"}  # only when capitalised
KINDS = {  # word in the prompt: project type; the first that occurs in a title, description or text decides
    "framework": "framework",
    "library": "library",
    "package": "library",
    "sdk": "library",
    "dataset": "dataset",
    "data": "dataset",
    "tutorial": "tutorial",
    "course": "tutorial",
    "lesson": "tutorial",
    "handbook": "documentation",
    "documentation": "documentation",
    "guide": "tutorial",
    "cli": "tool",
    "tool": "tool",
    "command-line": "tool",
    "terminal": "tool",
    "service": "service",
    "server": "service",
    "daemon": "service",
    "app": "application",
    "application": "application",
    "game": "application",
    "video": "video",
}


@dataclass(frozen=True)
class Reading:
    description: str  # two or three sentences of plain text
    technologies: tuple[str, ...]
    project_type: str


def read(prompt: str) -> Reading:
    labels = _labels(prompt)
    full_name = next((labels[label] for label in _NAMING if label in labels), "")
    name = full_name.rsplit("/", 1)[-1] if "/" in full_name and " " not in full_name else full_name
    about = labels.get("description", "").rstrip(".")
    language = TECHNOLOGIES.get(labels.get("language", "").lower(), "")
    technologies = tuple(dict.fromkeys([*([language] if language else []), *_technologies(prompt)]))[:8]
    first = f"{name or 'This project'}: {about}." if about else f"{name or 'This project'} is a project to look at."
    second = _second(language, [tool for tool in technologies if tool != language][:3])
    return Reading(_SPACE.sub(" ", f"{first} {second}").strip(), technologies, _kind(name, about, prompt))


def _labels(prompt: str) -> dict[str, str]:
    """The facts by label: of a prompt that is a JSON object its fields, else whatever looks like `label: value`."""
    try:
        facts = json.loads(prompt)
    except ValueError:
        facts = None
    if isinstance(facts, dict):
        found = ((label, facts[label]) for label in _LABELS if isinstance(facts.get(label), str))
    else:
        found = ((match["label"], match["value"]) for match in _LABEL.finditer(prompt))
    labels: dict[str, str] = {}
    for label, value in found:
        if text := _plain(value):
            labels.setdefault(label.lower().replace(" ", "_"), text)
    return labels


def _second(language: str, tools: list[str]) -> str:
    listed = " and ".join([", ".join(tools[:-1]), tools[-1]] if len(tools) > 1 else tools)
    if language:
        return f"It is written in {language}" + (f" and works with {listed}." if listed else ".")
    return f"It works with {listed}." if listed else "It speaks for itself."


def _technologies(text: str) -> list[str]:
    found = []
    for word in _WORD.findall(text):
        lower = word.lower().rstrip(".")
        name = TECHNOLOGIES.get(lower) or _ALIASES.get(lower)
        if name and (lower not in _AMBIGUOUS or word[0].isupper()):
            found.append(name)
    return found


def _kind(name: str, about: str, prompt: str) -> str:
    words = (match[0] for text in (about, name, prompt) for match in _LOWER.finditer(text.lower()))
    return next((KINDS[word] for word in words if word in KINDS), "other")


def _plain(text: str) -> str:
    return _SPACE.sub(" ", _MARKUP.sub("", text)).strip(" \"',")[:300]

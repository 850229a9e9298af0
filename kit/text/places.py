"""Where the relative links of a text begin."""

from dataclasses import dataclass
from urllib.parse import urljoin

from kit.text import urls


@dataclass(frozen=True, slots=True)
class Places:
    """The file's own address for pages and for pictures, and the root of each; what begins with one of `at_host` is no
    path from a root but from the host, as the provider itself writes its own links."""

    page: str
    page_root: str
    image: str
    image_root: str
    at_host: tuple[str, ...] = ()
    forge: str | None = None  # `FORGE/owner/name/blob/…` are pages that show files, `…/raw/…` the files themselves

    def resolve(self, address: str, image: bool) -> str | None:
        """Where it leads, as a browser would understand it there; None for what must not be followed. A link to one of
        the page's own headings stays."""
        address = urls.as_browsers_read(address)
        if urls.scheme(address):
            if not urls.allowed(address, image=image):
                return None
            return self._served(address) if image else address
        if not address or address.startswith("#"):
            return address
        try:
            return self._absolute(address.replace("\\", "/"), image=image)
        except ValueError:
            return None

    def _absolute(self, address: str, *, image: bool) -> str | None:
        if address.startswith("//"):
            address = f"https:{address}"
            return urls.quoted(address) if urls.allowed(address, image=image) else None
        if address.startswith(self.at_host or ("\0",)):
            address = urls.quoted(urljoin(self.page, address))
            return self._served(address) if image else address
        if address.startswith("/"):
            root = self.image_root if image else self.page_root
            return urls.quoted(urljoin(root, f"./{address.lstrip('/')}"))
        absolute = urljoin(self.image if image else self.page, address)
        if image and not absolute.startswith(self.image_root):
            absolute = urljoin(self.page, address)  # `../../raw/main/x.png` starts from the page
        return urls.quoted(absolute)

    def _served(self, address: str) -> str:
        """A picture is not the page that shows it."""
        if self.forge and address.startswith(f"{self.forge}/"):
            parts = address.removeprefix(f"{self.forge}/").split("/", 3)
            if len(parts) == 4 and parts[2] == "blob":
                return f"{self.forge}/{parts[0]}/{parts[1]}/raw/{parts[3]}"
        return address

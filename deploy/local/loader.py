"""What the dynamic loader says when a program cannot start, in words that help."""

import re

# soname without version -> package on Debian and Ubuntu
_PACKAGES = {
    "libcurl.so": "libcurl4",
    "libcrypto.so": "libssl3",
    "libssl.so": "libssl3",
    "liblzma.so": "liblzma5",
    "libz.so": "zlib1g",
    "libresolv.so": "libc6",
    "libgssapi_krb5.so": "libgssapi-krb5-2",
    "libstdc++.so": "libstdc++6",
}


def loader_hint(program: str, stderr: str) -> str | None:
    """What to install when `stderr` is the loader's complaint about a C library; None for any other text."""
    if missing := re.search(r"shared libraries: ((\S+?\.so)[.\d]*)", stderr):
        package = _PACKAGES.get(missing[2])
        how = f"sudo apt-get install {package}" if package else "install the package that contains it"
        return f"{program} needs the C library {missing[1]}, which is not on this machine: {how}"
    if old := re.search(r"version `(GLIBC\w*_[\d.]+)' not found", stderr):
        return f"{program} needs {old[1]}, newer than this machine's C library: use a newer system (Ubuntu 22.04, Debian 12)"
    return None

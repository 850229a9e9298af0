"""What an engine prints when this machine does not let it run, in words that help."""

import re
from pathlib import Path

# library name without version -> its package on Debian and Ubuntu
_PACKAGES = {
    "libcurl.so": "libcurl4",
    "libcrypto.so": "libssl3",
    "libssl.so": "libssl3",
    "liblzma.so": "liblzma5",
    "libz.so": "zlib1g",
    "libgssapi_krb5.so": "libgssapi-krb5-2",
    "libstdc++.so": "libstdc++6",
}


def known_cause(program: str, data_dir: Path, output: str) -> str | None:
    """A sentence that says what is wrong and what to do; None where `output` names no cause that we know."""
    if missing := re.search(r"shared libraries: ((\S+?\.so)[.\d]*)", output):
        package = _PACKAGES.get(missing[2])
        remedy = f"sudo apt-get install {package}" if package else "install the package that contains it"
        return f"{program} needs the C library {missing[1]}, which is not on this machine: {remedy}."
    if newer := re.search(r"version `(GLIBC\w*_[\d.]+)' not found", output):
        return f"{program} needs {newer[1]}, newer than this machine's C library: use Debian 12, Ubuntu 22.04 or later."
    if "No space left on device" in output:
        return f"The disk under {data_dir} is full: make room, or set LOCAL_DIR to a folder on another disk."
    if re.search(r"UPGRADE PROBLEM|Wrong mongod version", output):
        return (
            f"The data were written by another version of MongoDB: use that one, or delete {data_dir} to start empty."
        )
    return None

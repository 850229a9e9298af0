"""The settings that make an importer talk to the sandbox instead of the world."""


def environment(base: str) -> dict[str, str]:
    """Environment variables for `base`, the sandbox's address without a path."""
    return {
        "GITHUB_API_URL": f"{base}/github",
        "GITHUB_OPENGRAPH_URL": f"{base}/opengraph",
        "YOUTUBE_API_URL": f"{base}/youtube/v3",
        "YOUTUBE_API_KEY": "sandbox-key",
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": "sandbox-key",
    }

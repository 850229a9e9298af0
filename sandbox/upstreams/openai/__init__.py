"""An OpenAI-compatible endpoint: https://platform.openai.com/docs/api-reference/chat"""

from sandbox.upstreams.openai.service import OpenAI

__all__ = ["OpenAI"]

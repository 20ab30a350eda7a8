"""Where the 75-token chunks of a prompt end.

Use :func:`best_tokenizer` outside of the webui, and :class:`WordwiseTokenizer` around the webui's own tokenizer in it.
"""

from lib_kohaku.prompt.chunks.clip_bpe import ClipTokenizer, find_vocabulary
from lib_kohaku.prompt.chunks.estimate import EstimatingTokenizer
from lib_kohaku.prompt.chunks.split import CHUNK, Chunk, ChunkedPart, Ending, chunk_prompt
from lib_kohaku.prompt.chunks.tokenizer import Token, Tokenizer, WordwiseTokenizer


def best_tokenizer() -> Tokenizer:
    """CLIP's tokenizer if an installed package has its vocabulary, an estimate otherwise. Reads a file: keep it."""
    path = find_vocabulary()
    return ClipTokenizer.load(path) if path else EstimatingTokenizer()


__all__ = [
    "CHUNK",
    "Chunk",
    "ChunkedPart",
    "ClipTokenizer",
    "Ending",
    "EstimatingTokenizer",
    "Token",
    "Tokenizer",
    "WordwiseTokenizer",
    "best_tokenizer",
    "chunk_prompt",
    "find_vocabulary",
]

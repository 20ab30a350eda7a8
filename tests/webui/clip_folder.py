"""Run by the webui's Python: writes a folder with the configuration and the tokenizer of a tiny CLIP-L.

The vocabulary is the one that open_clip ships; nothing is downloaded.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import open_clip
from open_clip.tokenizer import bytes_to_unicode

VOCABULARY_SIZE = 49408
SPECIAL = ("<|startoftext|>", "<|endoftext|>")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    packed = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().split("\n")
    merges = lines[1 : 1 + VOCABULARY_SIZE - 2 * 256 - len(SPECIAL)]
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair.split()) for pair in merges), *SPECIAL]
    assert len(words) == VOCABULARY_SIZE
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    _write(folder / "vocab.json", {word: index for index, word in enumerate(words)})
    _write(folder / "tokenizer_config.json", _tokenizer())
    _write(folder / "config.json", _model())


def _tokenizer() -> dict:
    start, end = ({"__type": "AddedToken", "content": word, "normalized": True} for word in SPECIAL)
    flags = {"lstrip": False, "rstrip": False, "single_word": False}
    return {
        "tokenizer_class": "CLIPTokenizer",
        "do_lower_case": True,
        "model_max_length": 77,
        "errors": "replace",
        "add_prefix_space": False,
        "bos_token": {**start, **flags},
        "eos_token": {**end, **flags},
        "unk_token": {**end, **flags},
        "pad_token": SPECIAL[1],
    }


def _model() -> dict:
    return {
        "architectures": ["CLIPTextModel"],
        "model_type": "clip_text_model",
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_attention_heads": 2,
        "num_hidden_layers": 12,
        "max_position_embeddings": 77,
        "projection_dim": 64,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }


def _write(path: Path, document: dict) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

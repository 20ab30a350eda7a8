"""Caption files for many posts at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import CancelledError, OutputExistsError, RefusedError
from lib_kohaku.progress import Progress, SilentProgress
from lib_kohaku.prompt.captions.caption import Caption, build_caption
from lib_kohaku.prompt.captions.database import MOST_AT_ONCE, read_posts
from lib_kohaku.prompt.files import DataFileError, read_text
from lib_kohaku.prompt.profiles.model import Profile

_LARGEST_LIST = 64 * 1024 * 1024
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        written: Ids whose caption was written.
        kept: Ids whose file was there already and was left alone.
        missing: Ids that are not in the database.
    """

    written: tuple[int, ...]
    kept: tuple[int, ...]
    missing: tuple[int, ...]


def write_captions(
    database: Path,
    ids: Iterable[int],
    folder: Path,
    profile: Profile,
    progress: Progress | None = None,
    *,
    overwrite: bool = False,
) -> BatchReport:
    """Write the training captions of posts to ``folder/ID.txt``.

    Args:
        database: A danbooru2023-sqlite database; it is opened for reading only.
        ids: The posts; each is taken once.
        folder: Where to; made when missing.
        profile: Whose order and words to use.
        progress: Told of the posts; asked after each whether to stop.
        overwrite: Whether files that are there may be replaced; else they are left alone and reported.

    Raises:
        RefusedError: If an id cannot be one, or the database is not one; nothing more is written.
        FailedError: If the disk refuses.
        CancelledError: If the user stopped it; files written before are complete.
    """
    wanted = list(dict.fromkeys(ids))
    watch = progress or SilentProgress()
    watch.start("Writing captions", len(wanted), "posts")
    done: dict[str, list[int]] = {"written": [], "kept": [], "missing": []}
    for first in range(0, len(wanted), MOST_AT_ONCE):
        chunk = wanted[first : first + MOST_AT_ONCE]
        posts = read_posts(database, chunk)
        for number in chunk:
            if watch.cancelled():
                raise CancelledError(f"Stopped after {len(done['written']):,} caption files; those are complete.")
            post = posts.get(number)
            outcome = "missing"
            if post is not None:
                path = folder / f"{number}.txt"
                outcome = _write(path, build_caption(post, profile), overwrite)
            done[outcome].append(number)
            watch.advance(1)
    return BatchReport(tuple(done["written"]), tuple(done["kept"]), tuple(done["missing"]))


def read_ids(path: Path) -> tuple[int, ...]:
    """Read post ids from a text file, parted by blanks, commas or line ends; ``#`` begins a remark.

    Raises:
        DataFileError: Naming the line of anything that is not an id.
    """
    ids: list[int] = []
    for line, text in enumerate(read_text(path, _LARGEST_LIST).split("\n"), 1):
        for word in text.partition("#")[0].replace(",", " ").split():
            if not (word.isascii() and word.isdecimal() and len(word) < 20 and int(word) <= _LARGEST_ID):
                raise DataFileError(path, f"{word[:40]!r} is not a post id", line)
            ids.append(int(word))
    if not ids:
        raise RefusedError(f"{path.name} holds no post ids.")
    return tuple(ids)


def _write(path: Path, caption: Caption, overwrite: bool) -> str:
    if path.exists() and not overwrite:  # spares the temporary file; write_file_atomically guards against the race
        return "kept"
    try:
        write_file_atomically(path, f"{caption.text()}\n".encode(), overwrite=overwrite)
    except OutputExistsError:
        return "kept"
    return "written"

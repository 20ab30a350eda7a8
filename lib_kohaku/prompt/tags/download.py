"""Fetching tagcomplete's tag list, when and only when the user asks for it.

We ship nobody's list. What would be fetched, from where, under which licence and how large it is are data to be
shown before the click.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import FailedError, RefusedError
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled
from lib_kohaku.prompt.files import DataFileError, decode_text, plain_name
from lib_kohaku.prompt.tags.csv_layout import MAIN
from lib_kohaku.prompt.tags.csv_reader import parse_tag_list
from lib_kohaku.prompt.tags.model import TagList
from lib_kohaku.version import __version__

_FILE = Path(__file__).parent / "data" / "download_offer.json"
_CHUNK = 1 << 16
_TIMEOUT = 30.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class DownloadOffer:
    """A tag list that can be fetched.

    Attributes:
        name: The file's name here.
        url: Where it is.
        project: Whose work it is.
        licence: Its licence.
        about_bytes: Its size when this was written, in bytes.
        about_tags: Its number of tags when this was written.
        most_bytes: More than this is refused.
        fewest_tags: Fewer than this is refused as not being the list.
    """

    name: str
    url: str
    project: str
    licence: str
    about_bytes: int
    about_tags: int
    most_bytes: int
    fewest_tags: int


def tagcomplete_offer() -> DownloadOffer:
    """The list that we offer."""
    return DownloadOffer(**json.loads(_FILE.read_text(encoding="utf-8")))


def download_tag_list(
    offer: DownloadOffer, folder: Path, progress: Progress | None = None, *, overwrite: bool = False
) -> TagList:
    """Fetch a list, check that it is one, and put it into ``folder`` under the offer's name.

    Args:
        offer: What to fetch.
        folder: Where to; made when missing.
        progress: Told of the bytes; asked whether to stop.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The list that was stored.

    Raises:
        RefusedError: If the address is not an https one, or what came is too large or not such a tag list.
        FailedError: If the server or the network does not deliver.
        OutputExistsError: If the file is there and ``overwrite`` is false.
        CancelledError: If the user stopped it. In every case nothing is left behind.
    """
    target = folder / plain_name(offer.name)
    data = _fetch(offer, progress or SilentProgress())
    tag_list = parse_tag_list(target, decode_text(target, data))
    if tag_list.layout != MAIN.title or len(tag_list.tags) < offer.fewest_tags:
        raise DataFileError(
            target, f"what came is not the list: {len(tag_list.tags):,} tags in the layout {tag_list.layout}"
        )
    write_file_atomically(target, data, overwrite=overwrite)
    return tag_list


class _OnlySafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to addresses that could have been asked for in the first place."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise RefusedError(f"Tag lists are only fetched from https addresses, not from {parts.scheme or 'a path'}.")


def _fetch(offer: DownloadOffer, progress: Progress) -> bytes:
    _check_address(offer.url)
    request = urllib.request.Request(offer.url, headers={"User-Agent": f"sd-webui-kohaku/{__version__}"})
    opener = urllib.request.build_opener(_OnlySafeRedirects)
    data = bytearray()
    progress.start(f"Downloading {offer.name}", offer.about_bytes, "bytes")
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            while chunk := answer.read(_CHUNK):
                raise_if_cancelled(progress)
                data += chunk
                if len(data) > offer.most_bytes:
                    raise RefusedError(f"{offer.name} is larger than {offer.most_bytes:,} bytes; it was not stored.")
                progress.advance(len(chunk))
            announced = answer.headers.get("Content-Length", "")
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        raise FailedError(f"{offer.name} could not be downloaded ({error}).") from error
    if announced.isdecimal() and int(announced) != len(data):
        raise FailedError(f"{offer.name} came incomplete ({len(data):,} of {announced} bytes); try again.")
    return bytes(data)

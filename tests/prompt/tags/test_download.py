from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lib_kohaku.errors import CancelledError, FailedError, OutputExistsError, RefusedError, UnsafeNameError
from lib_kohaku.progress import SilentProgress
from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.tags.download import DownloadOffer, download_tag_list, tagcomplete_offer

LIST = b"".join(b'tag_%d,0,%d,"alias_%d"\n' % (n, 500 - n, n) for n in range(300))


@contextmanager
def serving(body=LIST, status=200, headers=(), cut=0):
    """A server on this machine that gives one answer to everything, its last ``cut`` bytes withheld."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["User-Agent"]))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - cut])

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/danbooru.csv", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def offer(url, **changes):
    return replace(DownloadOffer("danbooru.csv", url, "test", "MIT", len(LIST), 300, 100_000, 100), **changes)


def test_a_good_list_is_stored_as_it_came(tmp_path):
    with serving() as (url, asked):
        tag_list = download_tag_list(offer(url), tmp_path / "kohaku" / "tags")
    assert len(tag_list.tags) == 300
    assert (tmp_path / "kohaku" / "tags" / "danbooru.csv").read_bytes() == LIST
    assert [path for path, _ in asked] == ["/danbooru.csv"]
    assert asked[0][1].startswith("sd-webui-kohaku/")


@pytest.mark.parametrize(
    ("answer", "changes", "error", "message"),
    [
        ({}, {"most_bytes": 1000}, RefusedError, "larger than 1,000 bytes"),
        ({}, {"fewest_tags": 301}, DataFileError, "300 tags in the layout"),
        ({"body": b"<!DOCTYPE html>\n<html>Sign in</html>\n"}, {}, DataFileError, "is not the list"),
        ({"body": b"name,translation\n" * 200}, {}, DataFileError, "is not the list|header"),
        ({"body": b"\x00\x01" * 500}, {}, DataFileError, "NUL"),
        ({"body": b""}, {}, DataFileError, "no tags"),
        ({"status": 404}, {}, FailedError, "404"),
        ({"cut": 50}, {}, FailedError, "incomplete|could not be downloaded"),
        ({"status": 302, "headers": [("Location", "file:///etc/passwd")]}, {}, FailedError, "not allowed"),
        ({"status": 302, "headers": [("Location", "http://example.invalid/x")]}, {}, RefusedError, "https"),
        ({"status": 302, "headers": [("Location", "/danbooru.csv")]}, {}, FailedError, "redirect"),
    ],
)
def test_anything_else_is_refused_and_leaves_nothing(tmp_path, answer, changes, error, message):
    with serving(**answer) as (url, _), pytest.raises(error, match=message):
        download_tag_list(offer(url, **changes), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_is_there_is_kept_unless_told(tmp_path):
    (tmp_path / "danbooru.csv").write_text("mine")
    with serving() as (url, _):
        with pytest.raises(OutputExistsError):
            download_tag_list(offer(url), tmp_path)
        assert (tmp_path / "danbooru.csv").read_text() == "mine"
        download_tag_list(offer(url), tmp_path, overwrite=True)
    assert (tmp_path / "danbooru.csv").read_bytes() == LIST


def test_stopping_leaves_nothing(tmp_path):
    class Stopped(SilentProgress):
        def cancelled(self):
            return True

    with serving() as (url, _), pytest.raises(CancelledError):
        download_tag_list(offer(url), tmp_path, Stopped())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://example.invalid/x.csv", "file:///etc/passwd", "ftp://example.invalid/x", "x.csv"]
)
def test_only_https_addresses_are_asked(tmp_path, url):
    with pytest.raises(RefusedError, match="https"):
        download_tag_list(offer(url), tmp_path)


def test_a_dead_server_is_told(tmp_path):
    with serving() as (url, _):
        pass
    with pytest.raises(FailedError, match="could not be downloaded"):
        download_tag_list(offer(url), tmp_path)


def test_the_offers_name_cannot_leave_the_folder(tmp_path):
    with pytest.raises(UnsafeNameError):
        download_tag_list(offer("https://example.invalid/", name="../x.csv"), tmp_path)


def test_what_we_offer_says_what_it_is():
    ours = tagcomplete_offer()
    assert ours.licence == "MIT"
    assert ours.url.startswith("https://")
    assert ours.about_bytes < ours.most_bytes
    assert ours.fewest_tags < ours.about_tags

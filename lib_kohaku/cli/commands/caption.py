"""``kohaku caption``: booru posts as captions or prompts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.command import Command
from lib_kohaku.cli.output import say, say_json, tell
from lib_kohaku.errors import RefusedError

if TYPE_CHECKING:
    from lib_kohaku.prompt.captions.post import Post
    from lib_kohaku.prompt.profiles.model import Profile


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db", type=Path, metavar="FILE", help="danbooru2023-sqlite database")
    parser.add_argument("--post", type=int, nargs="+", action="extend", default=[], metavar="ID", help="post ids")
    parser.add_argument("--ids", type=Path, metavar="FILE", help="file of post ids")
    parser.add_argument(
        "--post-json", type=Path, metavar="FILE", help="danbooru's JSON of one or more posts; - for stdin"
    )
    parser.add_argument(
        "--profile", default="kohaku-xl-gamma", metavar="ID", help="whose words and order (default %(default)s)"
    )
    parser.add_argument("--profiles", type=Path, metavar="DIR", help="folder of your own profiles")
    parser.add_argument(
        "--form",
        choices=["caption", "prompt"],
        default="caption",
        help="caption: for training, with the separator; prompt: escaped for the webui",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write a caption file ID.txt for every post instead of printing"
    )
    parser.add_argument("--overwrite", action="store_true", help="with --out: replace caption files that are there")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _run(arguments: argparse.Namespace) -> int:
    from lib_kohaku.prompt.captions.batch import read_ids
    from lib_kohaku.prompt.profiles.loader import load_profiles

    profiles = load_profiles(arguments.profiles)
    for problem in profiles.problems:
        tell(f"warning: {problem}")
    profile = profiles.get(arguments.profile)
    ids = [*arguments.post, *(read_ids(arguments.ids) if arguments.ids else ())]
    if arguments.out:
        return _write_files(arguments, ids, profile)
    posts = _posts(arguments, ids)
    return _print(posts, profile, arguments) if len(posts) else _nothing()


def _write_files(arguments: argparse.Namespace, ids: list[int], profile: Profile) -> int:
    from lib_kohaku.prompt.captions.batch import write_captions

    if not arguments.db or not ids or arguments.post_json:
        raise RefusedError("--out needs --db and ids (--post or --ids).")
    report = write_captions(arguments.db, ids, arguments.out, profile, overwrite=arguments.overwrite)
    if arguments.json:
        say_json({"written": report.written, "kept": report.kept, "missing": report.missing})
    else:
        numbers = len(report.written), len(report.kept), len(report.missing)
        say("{:,} written, {:,} left alone, {:,} not in the database".format(*numbers))
    return exit_codes.REFUSED if report.missing and not report.written and not report.kept else exit_codes.DONE


def _posts(arguments: argparse.Namespace, ids: list[int]) -> list[Post]:
    from lib_kohaku.prompt.captions.booru_json import LONGEST_TEXT, parse_posts
    from lib_kohaku.prompt.captions.database import MOST_AT_ONCE, read_posts
    from lib_kohaku.prompt.files import read_text

    posts: list[Post] = []
    if arguments.post_json:
        from_stdin = str(arguments.post_json) == "-"
        text = sys.stdin.read(LONGEST_TEXT + 1) if from_stdin else read_text(arguments.post_json, LONGEST_TEXT)
        posts += parse_posts(text)
    if ids and not arguments.db:
        raise RefusedError("Post ids need a database: --db FILE.")
    wanted = list(dict.fromkeys(ids))
    for first in range(0, len(wanted), MOST_AT_ONCE):
        chunk = wanted[first : first + MOST_AT_ONCE]
        found = read_posts(arguments.db, chunk)
        posts += [found[number] for number in chunk if number in found]
        for number in chunk:
            if number not in found:
                tell(f"warning: post {number} is not in the database")
    if not ids and not arguments.post_json:
        raise RefusedError("Say which posts: --post ID, --ids FILE or --post-json FILE.")
    return posts


def _print(posts: list[Post], profile: Profile, arguments: argparse.Namespace) -> int:
    from lib_kohaku.prompt.captions.caption import build_caption

    captions = [(post.id, build_caption(post, profile)) for post in posts]
    if arguments.json:
        say_json(
            [
                {
                    "id": number,
                    "profile": profile.id,
                    "caption": caption.text(),
                    "prompt": caption.prompt(),
                    "parts": {slot.value: list(items) for slot, items in caption.parts},
                    "notes": list(caption.notes),
                }
                for number, caption in captions
            ]
        )
        return exit_codes.DONE
    for _, caption in captions:
        say(caption.prompt() if arguments.form == "prompt" else caption.text())
        for note in caption.notes:
            tell(f"note: {note}")
    return exit_codes.DONE


def _nothing() -> int:
    raise RefusedError("None of the posts was found.")


COMMAND = Command("caption", "booru posts as captions in a model's own order", _configure, _run)

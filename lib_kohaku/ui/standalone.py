"""The tab without a webui: plain gradio, our scripts and styles, nothing from outside this machine."""

from __future__ import annotations

import importlib
import os
import re
import socket
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.errors import FailedError
from lib_kohaku.host.standalone import StandaloneHost
from lib_kohaku.ui.assets import asset_files, head_markup
from lib_kohaku.ui.tab import TITLE, build_tab

LOCAL = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
DEFAULT_PORT = 7867
_TRIED_PORTS = 20
_ASSETS = "/kohaku-assets"
# gradio's page asks other servers for fonts and for a script that only matters inside frames of its own site.
_FOREIGN = re.compile(rb"<(?:link|script)\b[^>]*\b(?:href|src)=\"https?://[^>]*>(?:\s*</script>)?", re.DOTALL)
# Routes of gradio for components that the tab does not have.
_UNUSED = ("/file", "/upload", "/proxy", "/stream")
_FONTS = ("system-ui", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONOSPACED = ("ui-monospace", "Consolas", "DejaVu Sans Mono", "monospace")


def build_page(workbench: MergeWorkbench) -> gr.Blocks:
    """The whole page; the tab is in an element with the id that the webui would give it."""
    tab = build_tab(workbench)
    theme = gr.themes.Default(font=_FONTS, font_mono=_MONOSPACED)
    with (
        gr.Blocks(title=TITLE, theme=theme, analytics_enabled=False) as page,
        gr.Column(elem_id="tab_kohaku", elem_classes=["kohaku-standalone"]),
    ):
        tab.render()
    page.show_api = False
    return page


def build_app(workbench: MergeWorkbench, *, local: bool = True) -> FastAPI:
    """The server.

    Args:
        workbench: What it works with.
        local: Whether only this machine may use it; then requests that name another host are refused.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    if local:  # a page from elsewhere whose name was pointed at this machine must not get in
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[LOCAL, "localhost", "testserver"])

    @app.middleware("http")
    async def put_assets(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        is_page = request.url.path == "/" and response.headers.get("content-type", "").startswith("text/html")
        return await _with_assets(response) if is_page else response

    @app.get(_ASSETS + "/{name}")
    def asset(name: str) -> FileResponse:
        path = asset_files().get(name)
        if path is None:
            raise HTTPException(404)
        return FileResponse(path)

    _register_api(app, workbench)
    gr.mount_gradio_app(app, build_page(workbench), path="/")
    _close_gradio(app)
    return app


async def _with_assets(response: Any) -> Response:
    body = b"".join([part async for part in response.body_iterator])
    body = _FOREIGN.sub(b"", body).replace(b"</head>", head_markup(_ASSETS).encode() + b"</head>", 1)
    return Response(body, response.status_code, media_type="text/html")


def _close_gradio(app: FastAPI) -> None:
    # gradio gives away the files of the folder that it was started in, takes uploads, lets scripts of every site in.
    # This page needs no files; it starts merges and deletes recipes.
    for route in app.routes:
        mounted = getattr(route, "app", None)
        if isinstance(mounted, FastAPI):
            kept = [item for item in mounted.router.routes if not str(getattr(item, "path", "")).startswith(_UNUSED)]
            mounted.router.routes[:] = kept
            mounted.user_middleware = [item for item in mounted.user_middleware if item.cls is not CORSMiddleware]
            mounted.middleware_stack = mounted.build_middleware_stack()


def _register_api(app: FastAPI, workbench: MergeWorkbench) -> None:
    if find_spec("lib_kohaku.api") is not None:
        importlib.import_module("lib_kohaku.api").register_api(app, workbench)


def open_socket(address: str, port: int | None) -> socket.socket:
    """Listen on a port.

    Args:
        address: Of this machine.
        port: The port, None for the first free one from :data:`DEFAULT_PORT` on.

    Raises:
        FailedError: If it is taken.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + _TRIED_PORTS) if port is None else [port]
    for wanted in ports:
        listening = socket.socket()
        if os.name != "nt":  # there it would share the port with whoever has it
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address, wanted))
        except OSError:
            listening.close()
            continue
        listening.listen()  # from now on a browser waits for the server instead of being refused
        return listening
    raise FailedError(f"Port {ports[0]} is in use. Choose another one with --port.")


def serve(
    models: list[Path],
    data: Path,
    cache: Path,
    *,
    port: int | None,
    listen: bool,
    ready: Callable[[str], None],
) -> None:
    """Serve until interrupted.

    Args:
        models: Folders with checkpoints; results go into the first one.
        data: For recipes and history.
        cache: File for hashes.
        port: The port, None for a free one.
        listen: Whether other machines may use it.
        ready: Told the address once.

    Raises:
        CheckpointError: If a folder does not exist.
        FailedError: If the port is taken.
    """
    workbench = MergeWorkbench(StandaloneHost(models, data, cache))
    listening = open_socket(EVERYWHERE if listen else LOCAL, port)
    app = build_app(workbench, local=not listen)
    ready(f"http://{LOCAL}:{listening.getsockname()[1]}/")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with listening:
        server.run(sockets=[listening])

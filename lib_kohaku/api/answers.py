"""Errors as answers: what went wrong, in one sentence, under ``error``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException  # fastapi's own is one of these, but not the other way round

from lib_kohaku.errors import BusyError, FailedError, KohakuError, OutputExistsError

_log = logging.getLogger(__name__)


class NotFoundError(KohakuError):
    """There is no such job, recipe or checkpoint."""


class KohakuRoute(APIRoute):
    """Answers with JSON whatever happens.

    The webui reshapes errors that get out of handlers, but only when its own API is on.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors turned into answers."""
        handle: Callable[[Request], Coroutine[Any, Any, Response]] = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except HTTPException as error:
                return _error(error.status_code, str(error.detail), error.headers)
            except RequestValidationError as error:
                return _error(422, _validation_text(error))
            except KohakuError as error:
                return _error(_status(error), str(error))
            except UnicodeEncodeError:  # JSON can say "\ud800", which is half a character; nothing can be made of it
                return _error(400, "The request holds half a character.")
            except Exception as error:
                _log.exception("%s %s failed", request.method, request.url.path)
                return _error(500, f"Unexpected error: {type(error).__name__}. The details are in the console.")

        return answer


def _status(error: KohakuError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, (BusyError, OutputExistsError)):
        return 409
    return 500 if isinstance(error, FailedError) else 400


def _error(status: int, text: str, headers: Any = None) -> JSONResponse:
    whole = text.encode("utf-8", "backslashreplace").decode()
    return JSONResponse({"error": whole}, status_code=status, headers=headers)


def _validation_text(error: RequestValidationError) -> str:
    problems = (
        f"{'.'.join(str(part) for part in item['loc'] if part != 'body')}: {item['msg']}" for item in error.errors()
    )
    return "; ".join(problems)[:1000]

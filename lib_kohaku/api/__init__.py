"""The HTTP API under ``/kohaku/v1/``; docs/api.md tells how to use it. The only place that knows fastapi."""

from lib_kohaku.api.routes import register_api

__all__ = ["register_api"]

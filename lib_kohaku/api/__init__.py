"""The HTTP API under ``/kohaku/v1/``; docs/api.md tells how to use it. The only place that knows fastapi."""

"""The thin Flask UI: forms in, use cases, sentences out. `create_app` is the only thing others need."""

from web.app import create_app

__all__ = ["create_app"]

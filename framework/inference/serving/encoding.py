"""JSON responses with names that may not be UTF-8."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from framework.files import unicode_text


class Json(JSONResponse):
    """UTF-8; bytes of names that are not UTF-8 are escaped, as in a run's own files."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return unicode_text(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))).encode()

"""Every error has the same form: `{"error": {"code", "message", "what_to_do"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from framework.inference.serving.encoding import Json

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request


class Refused(Exception):
    """A request that is not answered; `status` says whose fault that is."""

    def __init__(
        self, status: int, code: str, message: str, what_to_do: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.what_to_do = what_to_do
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        content = {"error": {"code": self.code, "message": str(self), "what_to_do": self.what_to_do}}
        return Json(content, self.status, self.headers)


def install(app: FastAPI) -> None:
    """Give all errors of an application that form, its framework's own too."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        return Refused(422, "invalid_option", "; ".join(problems), "see /openapi.json for what is allowed").response()

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        code, message, what_to_do = _explained(request, error)
        return Refused(error.status_code, code, message, what_to_do, error.headers).response()

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> Response:
        message = "the server failed unexpectedly"
        return Refused(500, "internal", message, "whoever runs it finds the reason in its log").response()


def _explained(request: Request, error: HTTPException) -> tuple[str, str, str]:
    path: Any = request.url.path
    if error.status_code == 404:
        return "not_found", f"there is nothing at {path}", "see /openapi.json, or / for the page"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return "method_not_allowed", f"{path} does not take {request.method}", f"use {allowed}"
    return "refused", str(error.detail), "see /openapi.json"

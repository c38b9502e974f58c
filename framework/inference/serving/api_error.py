"""Errors of the HTTP API; all have the form `{"error": {"code", "message", "hint"}}`."""

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

SEE_LOG = "the server's log has the reason"


class ApiError(Exception):
    """An error that is sent to the client, with its HTTP status."""

    def __init__(
        self, status: int, code: str, message: str, hint: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.hint = hint
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The error as an HTTP response."""
        content = {"error": {"code": self.code, "message": str(self), "hint": self.hint}}
        return Json(content, self.status, self.headers)


def add_error_handlers(app: FastAPI) -> None:
    """Give all errors of an application that form, FastAPI's own too."""

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        return ApiError(422, "invalid_option", "; ".join(problems), "see /openapi.json for what is allowed").response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        code, message, hint = _explained(request, error)
        return ApiError(error.status_code, code, message, hint, error.headers).response()

    @app.exception_handler(ClientDisconnect)
    async def disconnected(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)  # not received by anyone

    @app.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> Response:
        return ApiError(500, "internal", "internal server error", SEE_LOG).response()


def _explained(request: Request, error: HTTPException) -> tuple[str, str, str]:
    path: Any = request.url.path
    if error.status_code == 404:
        return "not_found", f"{path} does not exist", "see /openapi.json, or / for the page"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return "method_not_allowed", f"{path} does not support {request.method}", f"use {allowed}"
    return "refused", str(error.detail), "see /openapi.json"

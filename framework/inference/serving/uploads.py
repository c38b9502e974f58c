"""From a request's body to image files, with the limits checked while it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from framework.errors import count
from framework.inference.serving.api_error import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request

    from framework.inference.serving.limits import Limits, Reservation

NAME_LENGTH = 255
"""Characters of a file name; the rest is cut off."""
USAGE = (
    "send a form with files (curl -F image=@photo.jpg URL), or one image as the body "
    "(curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg URL)"
)


@dataclass(frozen=True)
class Upload:
    """One file, undecoded."""

    name: str
    content: bytes


async def read_uploads(request: Request, limits: Limits, reservation: Reservation) -> list[Upload]:
    """The files of a form, or the body as one image: at least one. Raises `ApiError`.

    `reservation` counts the bytes that are read.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        raise _empty()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            if kind == b"multipart/form-data":
                return await _read_form(_chunks(request, limits, reservation), options.get(b"boundary", b""), limits)
            if kind in (b"", b"application/octet-stream") or kind.startswith(b"image/"):
                return [await _read_one(_chunks(request, limits, reservation))]
    except TimeoutError:
        message = f"the body did not arrive within {limits.seconds:g} seconds"
        raise ApiError(408, "slow_body", message, "send less at once, or over a faster connection") from None
    message = f"bodies of type {kind.decode('latin-1')} are not supported"
    raise ApiError(415, "unsupported_type", message, USAGE)


async def _chunks(request: Request, limits: Limits, reservation: Reservation) -> AsyncIterator[bytes]:
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > limits.body:
            raise _too_large(limits)
        reservation.add_bytes(len(chunk))
        yield chunk


async def _read_one(chunks: AsyncIterator[bytes]) -> Upload:
    content = b"".join([chunk async for chunk in chunks])
    if not content:
        raise _empty()
    return Upload("image", content)


async def _read_form(chunks: AsyncIterator[bytes], boundary: bytes, limits: Limits) -> list[Upload]:
    if not boundary:
        raise _damaged("its content type has no boundary")
    size = 0
    try:
        form = _Form(boundary, limits)
        async for chunk in chunks:
            size += len(chunk)
            form.write(chunk)
    except FormParserError as error:
        raise _damaged(str(error)) from None
    if not size:
        raise _empty()
    if not form.complete:
        raise _damaged("it ends before its last boundary")
    if not form.uploads:
        raise ApiError(422, "no_image", "the form has no file", USAGE)
    return form.uploads


class _Form:
    """Collects the files of a form while it arrives; its other fields are ignored."""

    def __init__(self, boundary: bytes, limits: Limits) -> None:
        self.limits = limits
        self.uploads: list[Upload] = []
        self.complete = False
        self._files = 0
        self._field = self._value = self._disposition = b""
        self._pieces: list[bytes] = []
        self._name: str | None = None
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_field,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._add_data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )
        self.write = parser.write

    def _begin(self) -> None:
        self._disposition, self._pieces, self._name = b"", [], None

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" in options:
            self._name = options[b"filename"].decode("utf-8", "replace")
            self._files += 1
            if self._files > self.limits.files:
                message = f"the form has more than {count(self.limits.files, 'file')}"
                raise ApiError(413, "too_many_files", message, "send them in several requests")

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is not None:
            self._pieces.append(data[start:end])

    def _end(self) -> None:
        content = b"".join(self._pieces)
        if self._name or content:  # a browser sends an empty file if none was chosen
            self.uploads.append(Upload((self._name or "image")[:NAME_LENGTH], content))
        self._pieces = []

    def _finish(self) -> None:
        self.complete = True


def _empty() -> ApiError:
    return ApiError(400, "empty_body", "the body is empty", USAGE)


def _too_large(limits: Limits) -> ApiError:
    message = f"the body is larger than {limits.body / 1e6:,g} MB"
    return ApiError(413, "too_large", message, "send fewer or smaller files in one request")


def _damaged(reason: str) -> ApiError:
    return ApiError(400, "damaged_form", f"the form cannot be read: {reason}", USAGE)

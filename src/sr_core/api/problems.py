"""How each of our errors is told over HTTP; the one place that says so (RFC 9457).

A problem document carries a `code` that never changes, what was found and what to do,
and the fields `error` and `details.error_code` that older clients read (SPEC 5).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from sr_core.api.bounds import (
    BodyIncomplete,
    BodyTooSlow,
    HeadersTooLarge,
    QueryTooLong,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from sr_core.api.choices import choices_at
from sr_core.domain.attachment import AttachmentTooLarge
from sr_core.domain.errors import (
    AuthorityRequired,
    Conflict,
    DocumentInvalid,
    DocumentMissing,
    MalformedInput,
    NonWaivable,
    NotFound,
    PreconditionFailed,
    Refused,
    SrError,
    TransitionRefused,
)
from sr_core.domain.sealing_errors import (
    BadKeyMaterial,
    EvidenceErased,
    EvidenceUnreadable,
    RedactionUnfinished,
    SealUnsound,
    WrapLimitReached,
)
from sr_core.ports.checkpoints import LogUnsound
from sr_core.ports.content_store import ContentConflict, Unretrievable
from sr_core.ports.errors import Unavailable, Unfit, VersionConflict
from sr_core.ports.event_store import IdempotencyMismatch
from sr_core.ports.identity import KindChanged, NotAuthenticated, NotIdentified
from sr_core.ports.kek_source import KekNotStored, KekTaken, KekUnobtainable
from sr_core.ports.key_records import Unremovable
from sr_core.ports.message_bus import Fenced
from sr_core.ports.outbox import BusAhead
from sr_core.ports.read_copy import ReadModelUnfit, RebuildUnderWay
from sr_core.ports.receipts import KeyReused, RequestRepeated
from sr_core.ports.sandbox import SandboxUnavailable

_LOG: Final = logging.getLogger(__name__)
PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
"""When to ask again what the world did not let us do."""


class Problem(msgspec.Struct, kw_only=True):
    """A refusal or failure, as RFC 9457 has it; `code` never changes."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    error: str
    details: dict[str, str]
    """What older clients read: `error_code`, and the facts that some refusals have."""
    correlation_id: str | None
    request_id: str | None


def build_problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    names: Mapping[str, Any],
    facts: Mapping[str, str] = MappingProxyType({}),
) -> Problem:
    """Return the problem; `names` are those of the request, `facts` of the refusal."""
    return Problem(
        type=f"urn:sr:{code}",
        title=status.phrase,
        status=status.value,
        code=code,
        detail=detail,
        error=detail,
        details={"error_code": code, **facts},
        correlation_id=names.get("correlation_id"),
        request_id=names.get("request_id"),
    )


def problem_of(error: SrError, names: Mapping[str, Any]) -> Problem:
    """Return the problem that one of our own errors is told as."""
    return build_problem(status_of(error), error.code, str(error), names, error.details)


STATUS: Final[dict[type[SrError], HTTPStatus]] = {
    MalformedInput: HTTPStatus.BAD_REQUEST,
    NonWaivable: HTTPStatus.BAD_REQUEST,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    AuthorityRequired: HTTPStatus.FORBIDDEN,
    NotIdentified: HTTPStatus.FORBIDDEN,
    KindChanged: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    VersionConflict: HTTPStatus.CONFLICT,
    ContentConflict: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    TransitionRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    DocumentInvalid: HTTPStatus.BAD_REQUEST,
    DocumentMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    Refused: HTTPStatus.BAD_REQUEST,
    IdempotencyMismatch: HTTPStatus.CONFLICT,
    RequestRepeated: HTTPStatus.CONFLICT,
    RebuildUnderWay: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    AttachmentTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BodyTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    BodyIncomplete: HTTPStatus.BAD_REQUEST,
    HeadersTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    QueryTooLong: HTTPStatus.REQUEST_URI_TOO_LONG,
    UnsupportedEncoding: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Unfit: HTTPStatus.SERVICE_UNAVAILABLE,
    ReadModelUnfit: HTTPStatus.SERVICE_UNAVAILABLE,
    Fenced: HTTPStatus.SERVICE_UNAVAILABLE,
    BusAhead: HTTPStatus.SERVICE_UNAVAILABLE,
    SandboxUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Unretrievable: HTTPStatus.SERVICE_UNAVAILABLE,
    LogUnsound: HTTPStatus.SERVICE_UNAVAILABLE,
    SealUnsound: HTTPStatus.SERVICE_UNAVAILABLE,
    KekUnobtainable: HTTPStatus.SERVICE_UNAVAILABLE,
    KekNotStored: HTTPStatus.SERVICE_UNAVAILABLE,
    KekTaken: HTTPStatus.CONFLICT,
    BadKeyMaterial: HTTPStatus.SERVICE_UNAVAILABLE,
    WrapLimitReached: HTTPStatus.SERVICE_UNAVAILABLE,
    Unremovable: HTTPStatus.SERVICE_UNAVAILABLE,
    EvidenceUnreadable: HTTPStatus.CONFLICT,
    EvidenceErased: HTTPStatus.GONE,
    RedactionUnfinished: HTTPStatus.CONFLICT,
    SrError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_HTTP_CODES: Final = {
    HTTPStatus.NOT_FOUND: "NO_SUCH_ROUTE",
    HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "BODY_TOO_LARGE",
}

INTERNAL_ERROR: Final = "INTERNAL_ERROR"
FACE_CODES: Final = frozenset({*_HTTP_CODES.values(), INTERNAL_ERROR})
"""The codes that no error class has."""


def status_of(error: SrError) -> HTTPStatus:
    """Return the status of the error's nearest listed class."""
    return next(STATUS[each] for each in type(error).__mro__ if each in STATUS)


def on_sr_error(request: Request[Any, Any, Any], error: SrError) -> Response[Problem]:
    """Tell one of our own errors."""
    return _problem(request, status_of(error), error.code, str(error), error.details)


def on_http_error(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[Problem]:
    """Tell what the framework refused before it came to us."""
    status = HTTPStatus(error.status_code)
    if isinstance(error, ValidationException):
        detail = _complaints(request, error)
        return _problem(request, status, MalformedInput.code, detail)
    code = _HTTP_CODES.get(status, "MALFORMED_INPUT")
    problem = _problem(request, status, code, error.detail)
    problem.headers.update(error.headers or {})
    return problem


def on_validation_error(
    request: Request[Any, Any, Any], error: msgspec.ValidationError
) -> Response[Problem]:
    """Tell a body that is not of the form asked for, where it is not, and its choices."""
    message, _, place = str(error).partition(" - at ")
    key = place.strip("`").removeprefix("$.").removeprefix("$")
    told = {"message": message, "key": key, "source": "body"}
    detail = f"{key or 'body'}: {_complaint(request, told)}"
    return _problem(request, HTTPStatus.BAD_REQUEST, MalformedInput.code, detail)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Tell a failure of our own, without a word of its inside; the log has it."""
    _LOG.error("unexpected failure", exc_info=error)
    detail = "The platform failed on this request. Report the correlation id."
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _problem(request, status, INTERNAL_ERROR, detail)


def _complaints(request: Request[Any, Any, Any], error: ValidationException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    told = [f"{each.get('key', 'body')}: {_complaint(request, each)}" for each in extra]
    return "; ".join(told) or error.detail


def _complaint(request: Request[Any, Any, Any], told: Mapping[str, Any]) -> str:
    """Return one complaint; about a closed set, with what it holds."""
    choices = choices_at(
        request.route_handler,
        str(told.get("key", "")),
        in_body=told.get("source") == "body",
    )
    if not choices:
        return str(told.get("message"))
    return f"{told.get('message')}. Give one of {', '.join(choices)}"


def _problem(
    request: Request[Any, Any, Any],
    status: HTTPStatus,
    code: str,
    detail: str,
    facts: Mapping[str, str] = MappingProxyType({}),
) -> Response[Problem]:
    problem = build_problem(status, code, detail, request.scope["state"], facts)
    return Response(
        problem,
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=problem_headers(status),
    )


def problem_headers(status: int) -> dict[str, str]:
    """Return what the head of a problem's answer says beside its type."""
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {}

"""Every refusal as one JSON shape, in both languages: `docs/http_api.md` tells it.

Owns the words for what a request's fields can have wrong, and the handlers that turn refusals,
FastAPI's own errors into that shape; bugs of ours get it from `server.door.shield`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from server.api.methods import methods_at
from server.errors import Refusal, Text
from server.ids import new_id

_log = structlog.get_logger("tongke.http")


class FieldText(BaseModel):
    """What is wrong with one field."""

    zh: str
    en: str


class RefusalBody(BaseModel):
    """A refusal."""

    code: str
    message_zh: str
    message_en: str
    fields: dict[str, FieldText] = {}


# pydantic's error types and our words; `{}` is the limit. What is not here is "not valid".
_FIELD_TEXTS: dict[str, tuple[str, str, str]] = {
    "missing": ("请填写此项。", "This is needed.", ""),
    "string_too_short": ("至少 {} 个字符。", "At least {} characters.", "min_length"),
    "string_too_long": ("最多 {} 个字符。", "At most {} characters.", "max_length"),
    "string_type": ("这里需要文字。", "This must be text.", ""),
    "string_pattern_mismatch": ("格式不正确。", "This has the wrong form.", ""),
    "enum": ("请从给出的选项中选择。", "Choose one of the given values.", ""),
    "literal_error": ("请从给出的选项中选择。", "Choose one of the given values.", ""),
    "extra_forbidden": ("没有这个字段。", "There is no such field.", ""),
    "bool_type": ("请选择是或否。", "This must be yes or no.", ""),
    "bool_parsing": ("请选择是或否。", "This must be yes or no.", ""),
    "float_type": ("这里需要数字。", "This must be a number.", ""),
    "float_parsing": ("这里需要数字。", "This must be a number.", ""),
    "finite_number": ("这里需要数字。", "This must be a number.", ""),
    "greater_than_equal": ("不能小于 {}。", "Not less than {}.", "ge"),
    "less_than_equal": ("不能大于 {}。", "Not more than {}.", "le"),
    "too_short": ("至少 {} 项。", "At least {} entries.", "min_length"),
    "too_long": ("最多 {} 项。", "At most {} entries.", "max_length"),
    "list_type": ("这里需要列表。", "This must be a list.", ""),
}
_STATUS_TEXTS: dict[int, tuple[str, str, str]] = {
    404: ("not-found", "没有这个地址。", "There is nothing at this address."),
    405: ("method-not-allowed", "此地址不支持这种操作。", "This address does not do that."),
}


def refusal_response(refusal: Refusal) -> JSONResponse:
    """The response that tells a refusal."""
    body = RefusalBody(
        code=refusal.code,
        message_zh=refusal.text.zh,
        message_en=refusal.text.en,
        fields={n: FieldText(zh=t.zh, en=t.en) for n, t in refusal.fields.items()},
    )
    headers = {"cache-control": "no-store"}
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(refusal.retry_after_s)))
    if refusal.status == 401:
        headers["www-authenticate"] = 'Bearer realm="tongke"'
    return JSONResponse(body.model_dump(), status_code=refusal.status, headers=headers)


def field_texts(errors: Sequence[Mapping[str, Any]]) -> dict[str, Text]:
    """What is wrong with each field, the first fault of each."""
    texts: dict[str, Text] = {}
    for error in errors:
        # the first part says where it stood: body, query, path
        name = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
        texts.setdefault(name, _field_text(error))
    return texts


def _field_text(error: Mapping[str, Any]) -> Text:
    context = error.get("ctx") or {}
    if error["type"] == "rule":
        return Text(str(context["zh"]), str(context["en"]))
    kind = error["type"]
    if kind in {"too_short", "too_long"} and isinstance(error.get("input"), str):
        kind = f"string_{kind}"  # a text that was measured after it was trimmed
    if kind == "string_too_short" and context.get("min_length") == 1:
        kind = "missing"
    zh, en, limit = _FIELD_TEXTS.get(kind, ("内容不正确。", "This is not valid.", ""))
    return Text(zh.format(context.get(limit, "")), en.format(context.get(limit, "")))


def add_handlers(app: FastAPI) -> None:
    """Make `app` tell every failure in the one shape."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(IntegrityError, _on_conflict)


async def _on_refusal(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # FastAPI gives what was registered
    return refusal_response(error)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # as above
    errors = error.errors()
    if any(each["type"] == "json_invalid" for each in errors):
        text = Text("请求不是有效的 JSON。", "The request is not valid JSON.")
        return refusal_response(Refusal(400, "malformed", text))
    text = Text("有内容需要修改，请看标出的各项。", "Some fields need correcting; see each.")
    return refusal_response(Refusal(422, "invalid", text, field_texts(errors)))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # as above
    status, headers = error.status_code, dict(error.headers or {})
    if status == 405:
        # A router names what the first route of the path does, and the pages' is one of each.
        methods = methods_at(request)
        status = 405 if methods else 404
        headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
    code, zh, en = _STATUS_TEXTS.get(
        status, ("refused", "服务器拒绝了这个请求。", "The server refused this request.")
    )
    response = refusal_response(Refusal(status, code, Text(zh, en)))
    response.headers.update(headers)
    return response


async def _on_conflict(_request: Request, error: Exception) -> JSONResponse:
    """Two people did what only one may: the database kept its rules."""
    _log.info("conflict", why=str(error))
    text = Text(
        "刚刚有人做了同样的修改。请刷新后再试。",
        "Somebody has just made the same change. Reload and try again.",
    )
    return refusal_response(Refusal(409, "conflict", text))


def bug_response(error: Exception) -> JSONResponse:
    """A fault of ours: logged whole under a number, which the page shows for IT."""
    number = new_id()
    _log.error("internal error", number=number, exc_info=error)
    text = Text(
        f"服务器内部出错，已记录（编号 {number}）。请稍后再试。",
        f"The server made a mistake and has noted it (number {number}). Try again later.",
    )
    return refusal_response(Refusal(500, "internal", text))

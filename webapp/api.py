# SPDX-License-Identifier: Apache-2.0
"""The JSON API under /api/v1: everything the pages show.

Amounts are strings of base units (JSON's numbers lose digits past 2^53), addresses are checksummed, hashes and calldata
are 0x-text, chain times are Unix seconds. An error is `{"error": "one line"}` with a fitting status.

Sentences are in English, whatever `Accept-Language` says. The header `Mandate-Language: de` asks for German ones, as
the site's own script does for what it shows on a German page; `Content-Language` says which an answer has.

What changes something takes JSON only, and where a browser says its origin it must be ours: no other site can use a
visitor's session.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as NinjaValidationError
from ninja.operation import Operation

from governance.chain.rpc import RpcError
from policies.notation.visible import one_line
from webapp.agent import api as agent
from webapp.delegates import api as delegates
from webapp.exports import api as exports
from webapp.home import api as home
from webapp.mail import api as mail
from webapp.members import api as members
from webapp.operations import api as operations
from webapp.policies import api as policies
from webapp.proposals import api as proposals
from webapp.relaying import RelayRefused
from webapp.treasury import api as treasury


class _Api(NinjaAPI):
    def __init__(self, **options: Any) -> None:
        self._made: dict[tuple[Any, ...], Any] = {}
        super().__init__(**options)

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> Any:
        """Return the schema: made once, as making it takes a quarter of a second."""
        key = path_prefix, tuple(sorted((path_params or {}).items()))
        if key not in self._made:
            self._made[key] = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        return self._made[key]

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name by which programs that are made from the schema call an operation: it must outlive moves."""
        return f"webapp_api_{operation.view_func.__name__}"


api = _Api(title="Mandate", version="1", docs_url=None, description=__doc__)
for subject in (
    home, proposals, delegates, members, treasury, policies, agent, operations, exports, mail,
):  # fmt: skip
    api.add_router("", subject.router)


# --- errors: one line each


@api.exception_handler(NinjaValidationError)
def _invalid(request: HttpRequest, error: NinjaValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path", "payload"))
    return api.create_response(
        request, {"error": f"{where or 'the request'}: {first.get('msg', 'malformed')}"}, status=422
    )


@api.exception_handler(Http404)
def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
    return api.create_response(request, {"error": str(error) or "not here"}, status=404)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return api.create_response(request, {"error": one_line(str(error), 300)}, status=error.status_code)


@api.exception_handler(RelayRefused)
def _not_relayed(request: HttpRequest, error: RelayRefused) -> HttpResponse:
    return api.create_response(request, {"error": one_line(str(error), 300)}, status=error.status)


@api.exception_handler(RpcError)
def _node(request: HttpRequest, error: RpcError) -> HttpResponse:
    text = f"the chain's node could not be asked, nothing was sent: {error}"
    return api.create_response(request, {"error": one_line(text, 300)}, status=503)


@api.exception_handler(PermissionDenied)
def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return api.create_response(request, {"error": one_line(str(error), 300)}, status=403)

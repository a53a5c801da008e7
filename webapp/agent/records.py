# SPDX-License-Identifier: Apache-2.0
"""Decision records, public and byte for byte as they were hashed."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from agent.acts import provenance
from webapp.api_input import bytes32


@require_safe
def record(_request: HttpRequest, name: str) -> HttpResponse:
    """`/records/<hash>.json`: the canonical JSON of a decision record."""
    body = provenance.public_json(bytes32(name))
    if body is None:
        raise Http404("no decision record of this hash is held here")
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "public, max-age=31536000"})

# SPDX-License-Identifier: Apache-2.0
"""All addresses of the site: the local chain's own pages, and the web app's at the root."""

from django.urls import include, path

from dao.local import pages as local

urlpatterns = [
    path("local/", local.clock, name="clock"),
    path("local/wallet", local.wallet, name="local_wallet"),
    path("local/people", local.people, name="local_people"),
    path("", include("webapp.urls")),
]

# SPDX-License-Identifier: Apache-2.0
"""All addresses of the site: the web app's, at the root."""

from django.urls import include, path

urlpatterns = [path("", include("webapp.urls"))]

# SPDX-License-Identifier: Apache-2.0
"""The web app's addresses."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

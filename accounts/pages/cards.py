"""Pages of one narrow card, for who is not signed in: a form, or a few words and where to go on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.generic import FormView

from accounts.pages.forms import PageForm
from accounts.sign_in.throttling import ThrottledPage

TEMPLATE = "accounts/card.html"


class CardPage(ThrottledPage, FormView[Any]):
    """A form with a title and a lead; a POST that is wrong shows it again, with what is wrong."""

    template_name = TEMPLATE
    form_class: type[PageForm]
    title: Any = ""
    lead: Any = ""
    submit = "Go on"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template shows."""
        texts = {"title": self.title, "lead": self.lead, "submit": self.submit}
        return super().get_context_data(**texts, **kwargs)


def card(request: HttpRequest, title: str, text: str, *, status: int = 200, **more: Any) -> HttpResponse:
    """Return a card of a few words."""
    return render(request, TEMPLATE, {"title": title, "lead": text, **more}, status=status)

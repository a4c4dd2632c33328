"""WSGI entry point (management tools and tests; the product itself is served over ASGI)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
application = get_wsgi_application()

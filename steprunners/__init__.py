"""The leaf engine: references, assertions, step runners. It knows no Django and no Celery."""

"""The step envelope, problems in user-written documents, and forms and docs made from schemas."""

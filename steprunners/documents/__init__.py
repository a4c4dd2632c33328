"""The step envelope, problems in documents that users write, and forms and docs made from schemas."""

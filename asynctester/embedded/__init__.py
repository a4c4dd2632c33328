"""Embedded mode: the whole product as one process group on one machine (`make run`)."""

requirements:
	.venv/bin/uv pip compile -q --universal --python-version 3.11 pyproject.toml -o requirements.txt
	.venv/bin/uv pip compile -q --universal --python-version 3.11 pyproject.toml --group dev -o requirements-dev.txt

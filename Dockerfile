# The image of every process: web, worker, migrations, and the demo shop. Nothing in it is secret.
#   docker build -t async-testing-service .
# The servers that `make run` starts (requirements-demo.txt) are not in it: production has its own.
FROM python:3.11-slim AS requirements
RUN python -m venv /opt/venv
COPY requirements.txt .
# Every requirement is pinned and comes as a wheel, so nothing is compiled here. Nothing is installed later, so the
# installer does not stay.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: -r requirements.txt \
    && /opt/venv/bin/pip uninstall --yes setuptools pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --home-dir /srv/asynctester asynctester \
    && install -d -o asynctester -g asynctester /var/lib/asynctester
COPY --from=requirements /opt/venv /opt/venv
WORKDIR /srv/asynctester
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/var/lib/asynctester \
    STATIC_ROOT=/srv/static
# The key that settings make for this one command goes away with its folder.
RUN DATA_DIR=/tmp/build python manage.py collectstatic --noinput \
    && rm -rf /tmp/build \
    && python -m compileall -q /opt/venv /srv/asynctester
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "asynctester.process", "web"]

# `make` lists the targets. ARGS goes to pytest: make test ARGS="-k retry --require-all"
.DEFAULT_GOAL := help
.PHONY: help run test check soak canary requirements
BIN := .venv/bin
ENGINE_TESTS := tests/executions tests/resources/test_rotation.py --ignore=tests/executions/live --ignore=tests/executions/reports
# Other brokers than Redis on the fast path: what `make test` and `make soak` run on them.
BROKERS := redis-plain sentinel rabbitmq
SHORT_BROKERS := sentinel rabbitmq
SHORT_BROKER_TESTS := tests/executions/broker/test_queues.py tests/executions/test_fairness.py \
	tests/executions/engine/test_children.py
BROKER_TESTS := tests/executions/broker tests/executions/engine tests/executions/worker tests/executions/in_process \
	tests/executions/live tests/executions/test_fairness.py tests/executions/test_outages.py tests/faults

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

run: ## Start everything on this machine (HOST, PORT, DATA_DIR, ADMIN_EMAIL, ADMIN_PASSWORD), until Ctrl-C
	@sh tools/venv.sh requirements-demo.txt
	@exec $(BIN)/python -m asynctester.embedded

test: ## Run all tests on real servers: on PostgreSQL, then the engine's again on SQLite, and some on other brokers
	@sh tools/venv.sh requirements-dev.txt
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --database=sqlite $(ENGINE_TESTS) $(ARGS)
	@for broker in $(SHORT_BROKERS); do $(BIN)/python -m pytest --broker=$$broker $(SHORT_BROKER_TESTS) $(ARGS) || exit 1; done

check: export DATA_DIR = .data/check
check: ## Lint (Python, JavaScript), types, import rules, migrations, settings, security, requirements
	@sh tools/venv.sh requirements-dev.txt
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@sh tools/biome.sh
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	@sh tools/deploy_check.sh
	$(BIN)/bandit -q -c pyproject.toml -r accounts asynctester executions flows lab resources steprunners telemetry manage.py
	@$(BIN)/python tools/audit.py
	@sh tools/requirements.sh --check

soak: ## Run the long fault and load tests, the engine's tests on other brokers, and a flow from the image
	@sh tools/venv.sh requirements-dev.txt
	@for broker in $(BROKERS); do \
		$(BIN)/python -m pytest -n 3 --dist loadfile --broker=$$broker $(BROKER_TESTS) $(ARGS) || exit 1; done
	$(BIN)/python -m pytest -m soak $(ARGS)

canary: ## Run the tests with the newest versions that pyproject.toml allows (.venv-canary)
	@sh tools/venv.sh requirements-dev.txt
	@sh tools/canary.sh
	.venv-canary/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

requirements: ## Write requirements*.txt from pyproject.toml
	@sh tools/venv.sh requirements-dev.txt
	@sh tools/requirements.sh

"""What every test can use: real servers and the named cast."""

pytest_plugins = ["tests.servers.fixtures", "tests.cast"]

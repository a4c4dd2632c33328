"""Real servers for the tests: each module starts one in a temporary folder on a free port."""

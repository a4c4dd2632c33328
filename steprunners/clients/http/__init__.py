"""The parts of the `http` step type: authentication, bodies, cookies, status expectations."""

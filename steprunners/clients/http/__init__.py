"""What the `http` step type is made of: authentication, bodies, cookies, status expectations."""

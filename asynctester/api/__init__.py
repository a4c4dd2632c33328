"""What the whole REST API shares: pagination, errors, parsing and the OpenAPI document."""

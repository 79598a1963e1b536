"""BssOpenApi, the billing service: what it says of an account that has bought nothing."""

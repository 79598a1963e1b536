"""Identity Management Service: the OpenID Connect providers that an account trusts."""

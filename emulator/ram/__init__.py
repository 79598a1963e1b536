"""Resource Access Management: users, roles, policies and access keys of an account."""

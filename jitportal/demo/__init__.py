"""The demo: a company's people, policy and past, made by the portal's own operations. Never in production."""

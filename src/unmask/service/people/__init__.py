"""Identity: accounts, API keys, browser sessions, rate limits, and the audit log of their acts."""

"""Who asks: accounts, API keys, browser sessions and rate limits; and the audit log of what each of
them did.
"""

"""The long-running processes of `unmask serve`, except the one that answers HTTP: supervisor,
worker and courier.
"""

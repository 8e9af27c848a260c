"""Long-running processes of `unmask serve`, except HTTP: supervisor, worker and courier."""

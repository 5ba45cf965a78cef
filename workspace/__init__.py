"""The ground the rooms stand on: settings, the database, the lock, the clock, the HTTP client, the errors."""

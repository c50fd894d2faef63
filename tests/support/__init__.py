"""What tests stand on: a real PostgreSQL, a real gateway, real clients."""

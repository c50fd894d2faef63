"""The story of the README, step by step, over real sockets with real clients."""

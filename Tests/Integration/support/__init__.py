"""What the integration tests are made of: the gateway's process, the servers behind it, and raw bytes."""

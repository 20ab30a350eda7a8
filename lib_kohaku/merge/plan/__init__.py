"""What a merge will do, decided from headers alone, before any work."""
